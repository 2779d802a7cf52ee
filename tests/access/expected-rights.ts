/**
 * Who may do what, written by hand beside the table of rights and not read from it: V viewer, O operator, F finance,
 * S security, A admin. `team`: also with a role for single teams, and then for things of those teams alone. `mine`:
 * its id stands for something that belongs to one team, so a foreign one must look like none.
 */
export type Expected = {
  readonly roles: string
  readonly reach: 'team' | 'organisation'
  readonly mine?: string
}

const team = (roles: string, mine?: string): Expected => ({ roles, reach: 'team', ...(mine && { mine }) })
const organisation = (roles: string): Expected => ({ roles, reach: 'organisation' })
const plain = (read: Expected, write: Expected) => ({
  list: read,
  create: write,
  read,
  change: write,
  remove: write,
})

const upstreams = plain(organisation('VOFSA'), organisation('A'))
const prices = organisation('VOFSA')
const pricesWrite = organisation('FA')

/** By resource and operation, as the table of the contract calls them. */
export const expectedRights: Readonly<Record<string, Readonly<Record<string, Expected>>>> = {
  teams: plain(team('VOFSA', 'team'), organisation('A')),
  apps: plain(team('VOFSA', 'app'), team('OA', 'app')),
  users: plain(team('SA', 'user'), team('A', 'user')),
  keys: { ...plain(team('VOFSA', 'key'), team('OA', 'key')), revoke: team('OSA', 'key') },
  keyRotations: {
    create: team('OA', 'key'),
    read: team('VOFSA', 'key'),
    change: team('OA', 'key'),
    end: team('OA', 'key'),
    clients: team('VOFSA', 'key'),
  },
  limits: {
    ...plain(team('VOFSA', 'limit'), team('OA', 'limit')),
    tree: team('VOFSA'),
    replay: team('VOFSA', 'limit'),
  },
  budgets: {
    ...plain(team('VOFSA', 'budget'), team('FA', 'budget')),
    live: team('VOFSA'),
    events: team('VOFSA'),
  },
  budgetOverrides: plain(team('VOFSA', 'override'), team('FA', 'override')),
  alertChannels: { ...plain(organisation('VOFSA'), organisation('FA')), test: organisation('FA') },
  alertDeliveries: { list: organisation('VOFSA'), read: organisation('VOFSA'), retry: organisation('FA') },
  policies: plain(team('VOFSA', 'policy'), organisation('SA')),
  sinks: { list: organisation('VOFSA'), read: organisation('VOFSA'), forget: organisation('OA') },
  sinkRefusals: {
    list: organisation('VOFSA'),
    retry: organisation('OA'),
    forget: organisation('OA'),
  },
  resources: upstreams,
  quotas: upstreams,
  deployments: upstreams,
  modelAliases: upstreams,
  modelEntries: { ...upstreams, takeOver: organisation('A') },
  routes: upstreams,
  prices: { ...plain(prices, pricesWrite), takeOver: pricesWrite },
  agreements: { ...plain(prices, pricesWrite), allocate: prices },
  exchangeRates: { list: prices, read: prices, put: pricesWrite, remove: pricesWrite },
  reratings: { list: prices, read: prices, create: pricesWrite },
  requests: { list: team('VOFSA'), stream: team('VOFSA'), decision: team('VOFSA', 'request') },
  usage: {
    list: team('VOFSA'),
    query: team('VOFSA'),
    exportRecords: team('VOFSA'),
    exportQuery: team('VOFSA'),
    checks: organisation('VOFSA'),
  },
  exportSchedules: plain(team('VOFSA', 'schedule'), team('OFA', 'schedule')),
  exports: {
    list: team('VOFSA'),
    create: team('OFA'),
    read: team('VOFSA', 'export'),
    download: team('VOFSA', 'export'),
    sidecar: team('VOFSA', 'export'),
    cancel: team('OFA', 'export'),
  },
  drafts: plain(organisation('VOFSA'), organisation('OFSA')),
  publications: { check: organisation('OFSA'), publish: organisation('OFSA') },
  simulations: { run: organisation('VOFSA') },
  batch: { run: team('VOFSA') },
  auditAnchors: { list: organisation('SA'), create: organisation('SA') },
  auditEvents: {
    list: organisation('SA'),
    export: organisation('SA'),
    verify: organisation('SA'),
    read: organisation('SA'),
  },
  secrets: {
    list: organisation('OSA'),
    read: organisation('OSA'),
    create: organisation('A'),
    rotate: organisation('A'),
    remove: organisation('A'),
    reseal: organisation('A'),
  },
  secretFindings: { list: organisation('SA'), move: organisation('A') },
  archivedThings: { list: organisation('SA'), read: organisation('SA') },
  me: { read: team('VOFSA'), sessions: team('VOFSA'), endSession: team('VOFSA') },
  apiTokens: {
    list: team('OFSA'),
    create: team('OFA'),
    read: team('OFSA', 'token'),
    revoke: team('OFSA', 'token'),
  },
  roleMappings: { ...plain(organisation('SA'), organisation('A')), explain: organisation('SA') },
  settings: {
    ...{ list: organisation('VOFSA'), read: organisation('VOFSA') },
    ...{ change: organisation('A'), reset: organisation('A') },
  },
  sessions: { list: organisation('SA'), end: organisation('SA') },
  catalog: {
    read: organisation('VOFSA'),
    gateways: organisation('VOFSA'),
    versions: organisation('VOFSA'),
    readVersion: organisation('VOFSA'),
    compare: organisation('VOFSA'),
    restore: organisation('A'),
  },
}
