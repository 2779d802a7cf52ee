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
