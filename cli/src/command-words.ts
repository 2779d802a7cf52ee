/**
 * How operations are called where their own words are not what people would type. Everything not named here is
 * called after the table of operations: `alertChannels.test` is `alert-channels test`.
 */

type Words = readonly [string, ...string[]]

/** Nouns in place of groups. */
export const nouns: Readonly<Record<string, string>> = {
  modelAliases: 'models',
  apiTokens: 'tokens',
  auditEvents: 'audit',
  catalog: 'changes',
  publications: 'changes',
  secretFindings: 'secrets',
}

/** Verbs in place of names of operations, whatever the group. */
export const verbs: Readonly<Record<string, string>> = {
  read: 'show',
  takeOver: 'import',
  endSession: 'end-session',
}

/** Single operations. */
export const wordsOf: Readonly<Record<string, Words>> = {
  'keyRotations.create': ['keys', 'rotate'],
  'keyRotations.read': ['keys', 'rotation'],
  'keyRotations.change': ['keys', 'change-rotation'],
  'keyRotations.end': ['keys', 'end-rotation'],
  'keyRotations.clients': ['keys', 'clients'],
  'secretFindings.list': ['secrets', 'scan'],
  'auditAnchors.list': ['audit', 'anchors'],
  'auditAnchors.create': ['audit', 'anchor'],
  'catalog.read': ['changes', 'current'],
  'catalog.versions': ['changes', 'history'],
  'catalog.readVersion': ['changes', 'show'],
  'catalog.compare': ['changes', 'diff'],
  'catalog.restore': ['changes', 'rollback'],
  'budgetOverrides.create': ['budgets', 'override'],
  'budgetOverrides.list': ['budgets', 'overrides'],
  'budgetOverrides.read': ['budgets', 'show-override'],
  'budgetOverrides.change': ['budgets', 'change-override'],
  'budgetOverrides.remove': ['budgets', 'end-override'],
  'sinkRefusals.list': ['sinks', 'refusals'],
  'sinkRefusals.retry': ['sinks', 'retry'],
  'sinkRefusals.forget': ['sinks', 'forget-refusals'],
  'usage.list': ['usage', 'records'],
  'usage.exportRecords': ['usage', 'export'],
  'usage.exportQuery': ['usage', 'export-query'],
  'me.read': ['whoami'],
  'settings.change': ['settings', 'set'],
  'batch.run': ['batch'],
  'simulations.run': ['simulate'],
  'requests.decision': ['explain'],
  'requests.list': ['logs', 'list'],
  'requests.stream': ['logs', 'tail'],
}

/** What cannot be undone besides `DELETE`: it asks first. */
export const destructive: ReadonlySet<string> = new Set([
  'keys.revoke',
  'apiTokens.revoke',
  'catalog.restore',
  'publications.publish',
  'sessions.end',
  'exports.cancel',
  'secretFindings.move',
  'sinks.forget',
  'sinkRefusals.forget',
])

/** Operations with some fields set, under a word of their own. */
export const presets: readonly {
  readonly words: Words
  readonly operation: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly summary: string
}[] = [
  {
    words: ['keys', 'disable'],
    operation: 'keys.change',
    fields: { state: 'disabled' },
    summary: 'Disables a proxy key until it is enabled again. Gateways refuse it within two seconds.',
  },
  {
    words: ['keys', 'enable'],
    operation: 'keys.change',
    fields: { state: 'active' },
    summary: 'Enables a proxy key that was disabled.',
  },
  {
    words: ['sinks', 'retry-all'],
    operation: 'sinkRefusals.retry',
    fields: { ids: null },
    summary: 'Has a sink given all that it refused once more.',
  },
]

/** Examples that say more than the words of a command do; the others are made from the flags it needs. */
export const examplesOf: Readonly<Record<string, readonly string[]>> = {
  'keys create': [
    'headgate keys create --app checkout --name "checkout in production" --out checkout.key',
    'headgate keys create --app checkout --name trial --expires-at 2027-01-31T00:00:00Z --show-secret',
  ],
  'keys rotate': ['headgate keys rotate "checkout in production" --grace-minutes 60 --out checkout.key'],
  'limits create': [
    'headgate limits create --owner team:Payments --measure tokens_per_minute --amount 100000',
    'headgate limits create --owner app:checkout --parent quo_01J… --measure tokens_per_minute --share 0.25',
  ],
  'budgets create': [
    'headgate budgets create --owner team:Payments --name "Month" --currency EUR --amount 500 --period "{kind: month}"',
  ],
  'budgets override': [
    'headgate budgets override --budget Month --amount 200 --reason "The launch of Monday"',
    'headgate budgets override --budget Month --amount 200 --periods 3 --reason "A larger team until spring"',
  ],
  'budgets live': ['headgate budgets live --team Payments'],
  'routes create': [
    'headgate routes create --alias gpt-4o-mini --tiers "[[{deployment_id: dep_01J…, weight: 3}]]"',
    'headgate routes create --file route.yaml',
  ],
  'usage query': [
    'headgate usage query --by team --range mtd --metric cost',
    'headgate usage query --by app,model --bucket day --range 7d --output csv',
  ],
  'usage export': ['headgate usage export --range 24h --format ndjson --out usage.ndjson'],
  'sinks retry': ['headgate sinks retry cosmos --ids req_01J…-1'],
  'sinks forget-refusals': [
    'headgate sinks forget-refusals cosmos --ids req_01J…-1',
    'headgate sinks forget-refusals cosmos --ids null',
  ],
  'audit list': ['headgate audit list --kind key --range 7d'],
  'audit export': ['headgate audit export --format ndjson --range mtd --out audit.ndjson'],
  'secrets create': ['headgate secrets create --name openai --value-file openai.txt'],
  'settings set': [
    'headgate settings set keep_records_days --value 30',
    'headgate settings set reporting_zone --value Europe/Berlin',
    'headgate settings set reporting_currency --value EUR',
  ],
  'changes rollback': ['headgate changes rollback 41 --message "The new route was slower"'],
  'changes publish': [
    'headgate changes publish "Move to the new deployment" --message "As agreed on Monday" --yes',
  ],
  simulate: [
    'headgate simulate --cases "[{app_id: app_01J…, model: gpt-4o-mini, input_tokens: 900}]"',
    'headgate simulate --file cases.yaml --draft "Move to the new deployment"',
  ],
  explain: ['headgate explain req_01J…'],
  'logs list': [
    'headgate logs list --outcome refused,failed --range 24h',
    'headgate logs list --min-cost 0.50 --min-total-ms 10000 --all --output ndjson',
    'headgate logs list --request-id req_01J…',
  ],
  'logs tail': ['headgate logs tail', 'headgate logs tail --outcome refused --output ndjson'],
  'changes diff': ['headgate changes diff 42 --from 40'],
}
