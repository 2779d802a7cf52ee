/** A client tag is kept as it was said, in the record and nowhere else; what is none is refused before anything is sent. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorOf } from './budget-world.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.stop())

async function call(tags: string | null, model = 'gpt-4o', key = gateway.keys.normal) {
  const before = gateway.records().length
  const reply = await send(gateway.origin, {
    headers: { authorization: `Bearer ${key}`, ...(tags !== null && { 'x-headgate-tags': tags }) },
    body: chatBody(model),
  })
  return { reply, records: (await gateway.recordsWhen(before + 1)).slice(before) }
}

test('the tag is in the record of every attempt, and the provider never sees it', async () => {
  const { reply, records } = await call('client=acme:eu-1', 'failover-500')
  expect(reply.status).toBe(200)
  expect(records.map((it) => [it.attempt, it.clientTag])).toEqual([
    [1, 'acme:eu-1'],
    [2, 'acme:eu-1'],
  ])
  expect(JSON.stringify(gateway.fake.record())).not.toContain('acme')
  expect((await call(null)).records[0]?.clientTag).toBeNull()
})

test('a refused call keeps its tag, and a caller nobody knows has none', async () => {
  expect((await call('client=acme', 'no-such-model')).records[0]).toMatchObject({
    ...{ outcome: 'refused', clientTag: 'acme' },
  })
  expect((await call('client=acme', 'gpt-4o', gateway.keys.unknown)).records[0]?.clientTag).toBeNull()
})

test.each([
  ...['acme', 'client=', 'client=a b', 'client=-a', `client=${'a'.repeat(65)}`, 'client=a,client=b'],
  ...['client=(other)', 'client=é'],
])('the tags "%s" are refused with what they may be', async (tags) => {
  const sent = gateway.fake.record().length
  const { reply } = await call(tags)
  expect(reply.status).toBe(400)
  expect(errorOf(reply)).toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('x-headgate-tags'),
  })
  expect(gateway.fake.record()).toHaveLength(sent)
})

test('other tags of the call stand beside it and are not kept', async () => {
  expect((await call('team=b, client=acme')).records[0]?.clientTag).toBe('acme')
  expect((await call('team=b')).records[0]?.clientTag).toBeNull()
})

test('the longest tag passes', async () => {
  const tag = 'a'.repeat(64)
  expect((await call(`client=${tag}`)).records[0]?.clientTag).toBe(tag)
})
