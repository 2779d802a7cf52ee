/** Batches: many writes in one request, each judged as if it had come alone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestKey, startTestPlane, type TestPlane } from './harness.ts'

let it: TestPlane
let appId: string
beforeAll(async () => {
  it = await startTestPlane()
  const team = await it.client.teams.create({ body: { name: 'Batches' } })
  appId = (await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })).id
})
afterAll(() => it.stop())

const newKeys = (names: string[]) =>
  Promise.all(names.map((name) => it.client.keys.create({ body: { appId, name } })))
const alias = (name: string) => ({ operation: 'modelAliases.create', body: { name } })
const aliasNames = async () =>
  (await it.client.modelAliases.list({ query: { limit: 200 } })).data.map((one) => one.name)

test('many keys are revoked at once, each with its own result and audit event, and a wrong one stops no other', async () => {
  const made = await newKeys(['a', 'b', 'c'])
  const ids = [made[0]!.id, 'key_00000000000000000000000000', made[1]!.id, made[2]!.id]
  const items = ids.map((keyId) => ({ operation: 'keys.revoke', params: { keyId } }))
  const reply = await it.client.batch.run({ body: { items } })
  expect([reply.succeeded, reply.failed]).toEqual([3, 1])
  expect(reply.data.map((one) => one.status)).toEqual([200, 404, 200, 200])
  expect(reply.data[1]!.problem).toMatchObject({ code: 'not_found', status: 404 })
  for (const key of made) {
    expect(await it.ports.keyPublisher.find(digestKey(key.secret))).toMatchObject({ state: 'revoked' })
    const { data } = await it.client.auditEvents.list({ query: { subjectId: key.id } })
    expect(data.map((event) => event.action)).toEqual(['key.revoked', 'key.created'])
  }
})

test('many keys are rotated at once, and each new secret is in the result of its key', async () => {
  const made = await newKeys(['d', 'e'])
  const items = made.map(({ id }) => ({ operation: 'keyRotations.create', params: { keyId: id }, body: {} }))
  const { data } = await it.client.batch.run({ body: { items } })
  for (const [index, key] of made.entries()) {
    const { secret, keyId } = data[index]!.body as { secret: string; keyId: string }
    expect([data[index]!.status, keyId]).toEqual([201, key.id])
    expect(await it.ports.keyPublisher.find(digestKey(secret))).toMatchObject({ id: key.id })
  }
})

test('an atomic batch is done whole with one version, or not at all, and points to what was wrong', async () => {
  const before = await it.client.catalog.read()
  const done = await it.client.batch.run({
    body: { atomic: true, items: [alias('x'), alias('y'), alias('z')] },
  })
  expect(done.succeeded).toBe(3)
  const after = await it.client.catalog.read()
  expect(after.version).toBe(before.version + 1)
  expect(after.message).toContain('and 2 more')
  const wrong: [object[], string, number][] = [
    [[alias('p'), alias('x')], '/items/1/name', 409],
    [[alias('p'), { operation: 'modelAliases.create', body: { names: 1 } }], '/items/1/name', 400],
    [[alias('p'), { operation: 'keys.revoke', params: {} }], '/items/1/params/key_id', 400],
    [[alias('p'), { operation: 'keys.list' }], '/items/1/operation', 400],
    [[{ operation: 'keys.revoke', params: { key_id: 'key_00000000000000000000000000' } }], '/items/0', 404],
  ]
  for (const [items, pointer, status] of wrong) {
    const answer = await it.ask('POST', '/api/v1/batch', { body: { atomic: true, items } })
    expect([answer.status, answer.json.errors.map((fault: { pointer: string }) => fault.pointer)]).toEqual([
      status,
      expect.arrayContaining([pointer]),
    ])
  }
  expect(await aliasNames()).not.toContain('p')
  expect(await it.client.catalog.read()).toEqual(after)
})

test('a stale If-Match in a batch fails its item, and a repeated batch is done once', async () => {
  const [key] = await newKeys(['guarded'])
  const change = { operation: 'keys.change', params: { keyId: key!.id }, body: { name: 'changed' } }
  const stale = await it.client.batch.run({ body: { items: [{ ...change, ifMatch: '"old"' }] } })
  expect(stale.data[0]).toMatchObject({ status: 412, problem: { code: 'precondition_failed' } })
  const idempotencyKey = crypto.randomUUID()
  const items = [{ operation: 'keys.create', body: { appId, name: 'once' } }]
  const [first, again] = [
    await it.client.batch.run({ body: { items }, idempotencyKey }),
    await it.client.batch.run({ body: { items }, idempotencyKey }),
  ]
  expect(again).toEqual(first)
  expect((await it.client.keys.list({ query: { appId, q: 'once' } })).data).toHaveLength(1)
})

const chain = (name: string) => [
  { operation: 'teams.create', body: { name } },
  {
    operation: 'apps.create',
    body: { teamId: null, name: `${name} app` },
    refs: [{ at: '/body/team_id', item: 0 }],
  },
  {
    operation: 'keys.create',
    body: { name: `${name} key` },
    refs: [{ at: '/body/app_id', item: 1 }],
  },
  {
    operation: 'keys.change',
    params: {},
    body: { state: 'disabled' as const },
    refs: [{ at: '/params/key_id', item: 2 }],
  },
]

test('items that are done together can build on what earlier ones make, again and again under one key', async () => {
  const plan = { body: { atomic: true, items: chain('Chain') }, idempotencyKey: crypto.randomUUID() }
  const first = await it.client.batch.run(plan)
  expect(first.succeeded).toBe(4)
  const [team, app, key, changed] = first.data.map((one) => one.body as Record<string, string>)
  expect(app).toMatchObject({ teamId: team!['id'] })
  expect(key).toMatchObject({ appId: app!['id'], teamId: team!['id'] })
  expect(changed).toMatchObject({ id: key!['id'], state: 'disabled' })
  expect(await it.client.batch.run(plan)).toEqual(first)
  expect((await it.client.teams.list({ query: { q: 'Chain' } })).data).toHaveLength(1)
})

test('a reference to what is not made, not before, or not there is refused, and nothing is done', async () => {
  const item = { operation: 'apps.create', body: { name: 'x' } }
  const team = { operation: 'teams.create', body: { name: 'No chain' } }
  const gone = { operation: 'batch.run', body: {} }
  const wrong: [object[], string][] = [
    [[team, { ...item, refs: [{ at: '/body/team_id', item: 1 }] }], '/items/1/refs/0/item'],
    [[team, { ...item, refs: [{ at: '/body/team_id', item: 7 }] }], '/items/1/refs/0/item'],
    [[team, { ...item, refs: [{ at: '/body/a/b', item: 0 }] }], '/items/1/refs/0/at'],
    [[team, { ...item, refs: [{ at: '/body/__proto__', item: 0 }] }], '/items/1/refs/0/at'],
    [[team, { ...item, refs: [{ at: '/body/app_id', item: 0 }] }], '/items/1/app_id'],
    [[team, { ...gone, refs: [{ at: '/body/id', item: 0 }] }], '/items/1/operation'],
  ]
  for (const [items, pointer] of wrong) {
    const answer = await it.ask('POST', '/api/v1/batch', { body: { atomic: true, items } })
    const pointers = answer.json.errors.map((fault: { pointer: string }) => fault.pointer)
    expect([answer.status, pointers], JSON.stringify(items[1])).toEqual([
      400,
      expect.arrayContaining([pointer]),
    ])
  }
  const loose = await it.ask('POST', '/api/v1/batch', { body: { items: chain('Loose') } })
  expect(loose.status).toBe(400)
  expect((await it.client.teams.list({ query: { q: 'No chain' } })).data).toEqual([])
})

test('an atomic batch can be rehearsed, and says why in the version that comes of it', async () => {
  const items = [alias('rehearsed'), alias('rehearsed too')].map((one, index) =>
    index === 1 ? { ...one, body: { name: 'rehearsed-too' } } : one,
  )
  const before = await it.client.catalog.read()
  const run = await it.client.batch.run({ body: { atomic: true, items }, dryRun: true })
  expect(run).toMatchObject({ changed: true, subjectId: null })
  expect(run.catalog).not.toBe(null)
  expect(await it.client.catalog.read()).toEqual(before)
  expect(await aliasNames()).not.toContain('rehearsed')
  const loose = await it.ask('POST', '/api/v1/batch?dry_run=true', { body: { items } })
  expect(loose.json.errors[0].pointer).toBe('?dry_run')
  await it.client.batch.run({ body: { atomic: true, items, message: 'Because of a test' } })
  expect((await it.client.catalog.read()).message).toBe('Because of a test')
})

test('a draft can hold things that build on each other', async () => {
  const upstream = { name: 'res', apiStyle: 'openai', origin: 'https://api.openai.com', secretRef: 'env://A' }
  const items = [
    alias('drafted'),
    { operation: 'resources.create', body: upstream },
    {
      operation: 'deployments.create',
      body: { name: 'dep', upstreamModel: 'm' },
      refs: [{ at: '/body/resource_id', item: 1 }],
    },
    {
      operation: 'routes.create',
      body: { tiers: [[{}]] },
      refs: [
        { at: '/body/alias_id', item: 0 },
        { at: '/body/tiers/0/0/deployment_id', item: 2 },
      ],
    },
  ]
  const draft = await it.client.drafts.create({ body: { name: 'A new model', items } })
  const check = await it.client.publications.check({ params: { draftId: draft.id } })
  expect(check.problem).toBe(null)
  const publish = { params: { draftId: draft.id }, body: { message: 'why' } }
  expect(await it.client.publications.publish({ ...publish, dryRun: true })).toMatchObject({ changed: true })
  expect(await aliasNames()).not.toContain('drafted')
  expect((await it.client.publications.publish(publish)).state).toBe('published')
  expect(await aliasNames()).toContain('drafted')
})
