/** The demo is whole after one seed, the same after two, and follows its upstream when that moves. */
import { openCatalog } from '@headgate/domain/catalog'
import { isWellFormedKey } from '@headgate/domain/proxy-key'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestKey, startTestPlane, type TestPlane, until } from '../../tests/admin/harness.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane({ allowLoopbackUpstreams: true })
})
afterAll(() => it.stop())

test('one seed gives a key and three models that gateways can serve; a second changes nothing', async () => {
  const first = await it.plane.seed({ fakeUpstreamOrigin: 'http://127.0.0.1:40001' })
  expect(isWellFormedKey(first.secret ?? '')).toBe(true)
  const record = await it.ports.keyPublisher.find(digestKey(first.secret ?? ''))
  expect(record).toMatchObject({ name: 'demo-key', state: 'active', requestsPerMinute: 60 })
  const document = await it.ports.catalogFeed.newerThan(0)
  const catalog = openCatalog(document!)
  expect(catalog.aliases.map((alias) => alias.name)).toEqual(['demo-chat', 'demo-chat-large', 'demo-embed'])
  expect(catalog.alias('demo-chat')?.tiers.length).toBe(2)
  expect(catalog.alias('demo-embed')?.tiers[0]?.[0]?.deployment.rates.length).toBe(1)

  const second = await it.plane.seed({ fakeUpstreamOrigin: 'http://127.0.0.1:40001' })
  expect(second.secret).toBeNull()
  expect((await it.client.catalog.read()).version).toBe(document?.version)
})

test('a moved fake upstream is followed, with audit events by the system', async () => {
  await it.plane.seed({ fakeUpstreamOrigin: 'http://127.0.0.1:40002' })
  const { data } = await it.client.resources.list()
  expect(data.map((resource) => resource.origin)).toEqual([
    'http://127.0.0.1:40002',
    'http://127.0.0.1:40002',
  ])
  const events = await it.client.auditEvents.list({ query: { action: 'resource.moved' } })
  expect(events.data.map((event) => event.actor)).toEqual(['system', 'system'])
  await until(
    async () => (await it.ports.catalogFeed.newerThan(0))?.resources[0]?.origin === 'http://127.0.0.1:40002',
    'the published catalog to follow',
  )
})
