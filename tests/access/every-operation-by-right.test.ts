/** Every operation, by everybody, on what is theirs, foreign, missing and malformed: made from the table of the contract. */
import { API_ROOT, contract } from '@headgate/admin-contract/index'
import { wirePath } from '@headgate/admin-contract/openapi'
import type { Operation } from '@headgate/admin-contract/operation'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, startTestPlane, type TestPlane } from '../admin/harness.ts'
import { type Expected, expectedRights } from './expected-rights.ts'
import { type AccessWorld, accessWorld, type Somebody } from './world.ts'

let it: TestPlane
let world: AccessWorld
beforeAll(async () => {
  it = await startTestPlane()
  world = await accessWorld(it)
})
afterAll(() => it.stop())

const operations = Object.entries(contract).flatMap(([word, group]) =>
  Object.entries(group).map(([name, operation]) => [`${word}.${name}`, operation as Operation] as const),
)
const expectedOf = (name: string): Expected => {
  const [word = '', of = ''] = name.split('.')
  const expected = expectedRights[word]?.[of]
  if (expected === undefined) throw new Error(`${name} has no row in expected-rights.ts`)
  return expected
}

/** Bodies that have their shape, so that what is refused is refused for who asks and for what they name. */
const bodies: Readonly<Record<string, object>> = {
  'keyRotations.create': {},
  'keyRotations.change': { grace_minutes: 10 },
  'limits.change': { amount: 9 },
}

function ask(
  name: string,
  operation: Operation,
  asked: { secret: string | null; id: string },
): Promise<Answer> {
  const path = wirePath(operation.path).replace(/\{\w+\}/, asked.id)
  const isList = operation.audit === 'of-each-item'
  const rehearsed = operation.method === 'GET' || isList ? '' : '?dry_run=true'
  const body = operation.method === 'GET' ? undefined : (bodies[name] ?? {})
  return it.ask(operation.method, `${API_ROOT}${path}${rehearsed}`, { token: asked.secret, body })
}

const MISSING = '0'.repeat(26)
const letterOf = ({ role }: Somebody) => role.charAt(0).toUpperCase()
/** What a body says but for the request it answers. */
const saysOf = ({ status, json }: Answer) => ({ status, ...json, request_id: '', instance: '' })

test('every operation of the table has a row, and every row an operation', () => {
  for (const [name] of operations) expectedOf(name)
  const rows = Object.entries(expectedRights).flatMap(([word, row]) =>
    Object.keys(row).map((of) => `${word}.${of}`),
  )
  expect(rows.toSorted()).toEqual(operations.map(([name]) => name).toSorted())
})

test.each(operations)('%s is open to whom it should be, and to nobody else', async (name, operation) => {
  const expected = expectedOf(name)
  const id = (expected.mine && world.mine[expected.mine as 'export']) ?? `key_${MISSING}`
  for (const secret of [null, `hgt_${'a'.repeat(43)}`, 'hgt_', 'x', 'eyJ.eyJ.'])
    expect([secret, (await ask(name, operation, { secret, id })).status]).toEqual([secret, 401])
  for (const somebody of world.people) {
    const mayBe = expected.roles.includes(letterOf(somebody))
    const may = mayBe && (!somebody.isScoped || expected.reach === 'team')
    const answer = await ask(name, operation, { secret: somebody.secret, id })
    const who = `${somebody.role}${somebody.isScoped ? ' of a team' : ''}`
    expect([who, answer.status === 403 || answer.status === 401, answer.text.slice(0, 300)]).toEqual([
      who,
      !may,
      answer.text.slice(0, 300),
    ])
    expect(answer.status, answer.text).toBeLessThan(500)
    if (may && expected.mine !== undefined && operation.path.includes('{'))
      expect(answer.status, `${who} ${answer.text}`).not.toBe(404)
  }
})

const ofTeams = operations.filter(
  ([name, { path }]) => expectedOf(name).mine !== undefined && path.includes('{'),
)

test.each(ofTeams)('%s answers for foreign things as for none', async (name, operation) => {
  const { mine, reach, roles } = expectedOf(name)
  if (reach === 'organisation') return
  const foreign = world.other[mine as 'export'] as string
  const missing = `${foreign.split('_')[0]}_${MISSING}`
  for (const somebody of world.people.filter((one) => one.isScoped && roles.includes(letterOf(one)))) {
    const { secret } = somebody
    const answers = await Promise.all(
      [foreign, missing, '%00', 'x'].map((id) => ask(name, operation, { secret, id })),
    )
    expect(answers[0]?.status, answers[0]?.text).toBe(404)
    for (const answer of answers) expect(saysOf(answer)).toEqual(saysOf(answers[1] as Answer))
  }
})

test('nothing of another team is in any list, sum, file or page that somebody of one team sees', async () => {
  const foreign = Object.entries(world.other)
    .filter(([word]) => word !== 'adminSecret')
    .map(([, id]) => id)
  const reads = operations.filter(([, one]) => one.method === 'GET' && !one.path.includes('{'))
  let seen = 0
  for (const { secret } of world.people.filter((one) => one.isScoped && one.role === 'admin')) {
    for (const [name, operation] of reads) {
      const answer = await ask(name, operation, { secret, id: '' })
      if (answer.status !== 200) continue
      for (const id of foreign) expect(answer.text, name).not.toContain(id)
      expect(answer.text, name).not.toContain('"other"')
      seen += Number(answer.text.includes('mine') || answer.text.includes(world.mine.team))
    }
  }
  expect(seen).toBeGreaterThan(8)
})

test('filters, sorts and sums of somebody of one team cannot reach another', async () => {
  const secret = (world.people.find((one) => one.isScoped && one.role === 'admin') as Somebody).secret
  const get = async (path: string) => (await it.ask('GET', API_ROOT + path, { token: secret })).json
  const { team, app, key } = world.other
  for (const path of [
    ...['apps', 'users', 'keys', 'limits', 'budgets', 'budget-overrides'].map(
      (word) => `/${word}?team_id=${team}`,
    ),
    `/budget-overrides?budget_id=${world.other.budget}`,
    `/keys?app_id=${app}`,
    `/limits?owner_id=${app}`,
    `/usage-records?team_id=${team}`,
    `/requests?team_id=${team}`,
    `/requests?request_id=${world.other.request}`,
    `/usage-records?key_id=${key}`,
    '/teams?q=other',
  ])
    expect([path, (await get(path)).data]).toEqual([path, []])
  const sums = async (more: string) =>
    (await get(`/analytics/query?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z${more}`)).data
  const mine = await sums('')
  expect(mine).toHaveLength(1)
  expect(mine[0].sums.calls).toBe(1)
  expect((await sums('&by=team')).map((row: { group: { value: string }[] }) => row.group[0]?.value)).toEqual([
    world.mine.team,
  ])
  expect(await sums(`&team_id=${team}`)).toEqual(await sums(`&team_id=team_${MISSING}`))
  const tree = await get(`/limits/tree?team_id=${team}`)
  expect(tree.data).toEqual([])
})

test('a file made in the background for somebody of one team holds that team alone', async () => {
  const path = `${API_ROOT}/exports/${world.mine.export}/file`
  const secret = (world.people.find((one) => one.isScoped && one.role === 'viewer') as Somebody).secret
  const { text } = await it.ask('GET', path, { token: secret })
  expect(text).toContain(world.mine.team)
  expect(text).not.toContain(world.other.team)
})

test('somebody of one team makes nothing in another, nor for the team itself', async () => {
  const secret = world.mine.adminSecret
  const { mine, other } = world
  const post = (path: string, body: object) => it.ask('POST', API_ROOT + path, { token: secret, body })
  const limit = { parent_id: null, measure: 'requests_per_minute', amount: 5 }
  const budget = {
    ...{ name: 'b', currency: 'USD', amount_nanos: 1, period: { kind: 'month' } },
    steps: [{ at_percent: 80, action: 'alert' }],
  }
  for (const [path, body, own, foreign, missing] of [
    [
      '/apps',
      { name: 'new' },
      { team_id: mine.team },
      { team_id: other.team },
      { team_id: `team_${MISSING}` },
    ],
    [
      '/users',
      { name: 'new' },
      { team_id: mine.team },
      { team_id: other.team },
      { team_id: `team_${MISSING}` },
    ],
    ['/keys', { name: 'new' }, { app_id: mine.app }, { app_id: other.app }, { app_id: `app_${MISSING}` }],
    ['/limits', limit, { owner_id: mine.user }, { owner_id: other.app }, { owner_id: `app_${MISSING}` }],
    ['/budgets', budget, { owner_id: mine.user }, { owner_id: other.app }, { owner_id: `app_${MISSING}` }],
    [
      '/budget-overrides',
      { amount_nanos: 1, reason: 'more' },
      { budget_id: mine.budget },
      { budget_id: other.budget },
      { budget_id: `bud_${MISSING}` },
    ],
  ] as const) {
    const answers = [
      await post(path, { ...body, ...foreign }),
      await post(path, { ...body, ...missing }),
    ] as const
    expect([path, answers[0].status]).toEqual([path, 400])
    expect(saysOf(answers[0])).toEqual(saysOf(answers[1]))
    expect([path, (await post(path, { ...body, ...own })).status]).toEqual([path, 201])
  }
  expect((await post('/limits', { ...limit, owner_id: mine.team })).status).toBe(403)
  expect((await post('/budgets', { ...budget, owner_id: mine.team })).status).toBe(403)
  // What is taken from a quota is taken from other teams.
  const ofQuota = { owner_id: mine.app, parent_id: mine.quota, measure: 'tokens_per_minute', amount: 5 }
  expect((await post('/limits', ofQuota)).status).toBe(403)
  const shared = `${API_ROOT}/limits/${mine.limitOfQuota}`
  for (const method of ['PATCH', 'DELETE'])
    expect(
      (await it.ask(method, shared, { token: secret, body: method === 'PATCH' ? { amount: 9 } : undefined }))
        .status,
    ).toBe(403)
  const ofTeam = await it.ask('POST', `${API_ROOT}/budgets`, { body: { ...budget, owner_id: mine.team } })
  const more = { budget_id: ofTeam.json.id, amount_nanos: 1, reason: 'more' }
  expect((await post('/budget-overrides', more)).status).toBe(403)
  const moved = await it.ask('PATCH', `${API_ROOT}/keys/${mine.key}`, {
    token: secret,
    body: { user_id: other.user },
  })
  expect(moved.status).toBe(400)
  const batch = await post('/batch', {
    items: [
      { operation: 'apps.remove', params: { app_id: other.app } },
      { operation: 'teams.create', body: { name: 'third' } },
    ],
  })
  expect(batch.json.data.map((one: { status: number }) => one.status)).toEqual([404, 403])
})
