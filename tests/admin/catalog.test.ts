/** The catalog's history: versions, what differs between them, the way back, and who serves from which. */
import { CatalogDocument } from '@headgate/domain/catalog'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestKey, startTestPlane, type TestPlane } from './harness.ts'
import { newResource } from './provider.ts'

let it: TestPlane
let deploymentIds: string[]
beforeAll(async () => {
  it = await startTestPlane()
  const { client } = it
  const resourceId = await newResource(client)
  const quota = await client.quotas.create({
    body: { resourceId, name: 'q', requestsPerMinute: 10, tokensPerMinute: 10 },
  })
  const named = (name: string) => ({
    name,
    resourceId,
    quotaId: quota.id,
    upstreamModel: 'gpt-4o',
  })
  const deployments = ['one', 'two'].map((name) => client.deployments.create({ body: named(name) }))
  deploymentIds = (await Promise.all(deployments)).map((deployment) => deployment.id)
})
afterAll(() => it.stop())

const published = async () => CatalogDocument.parse(await it.ports.catalogFeed.newerThan(0))
const parts = ({ resources, quotas, deployments, aliases, routes, policies, limits }: CatalogDocument) => ({
  ...{ resources, quotas, deployments, aliases, routes, policies, limits },
})

test('versions are listed newest first, read whole, and compared with any other', async () => {
  const { client } = it
  const alias = await client.modelAliases.create({ body: { name: 'compared' } })
  const { version } = await client.catalog.read()
  await client.modelAliases.change({ params: { aliasId: alias.id }, body: { name: 'renamed' } })
  const first = await client.catalog.versions({ query: { limit: 1 } })
  const second = await client.catalog.versions({ query: { limit: 1, cursor: first.page.nextCursor! } })
  expect([first.data[0]!.version, second.data[0]!.version]).toEqual([version + 1, version])
  expect(second.data[0]).toMatchObject({ author: 'admin-token', message: `model-alias.created ${alias.id}` })
  const whole = await client.catalog.readVersion({ params: { version: String(version) } })
  expect((whole.document as CatalogDocument).aliases.map((one) => one.name)).toContain('compared')
  const changed = await client.catalog.compare({ params: { version: String(version + 1) } })
  expect(changed).toEqual({
    ...{ from: version, to: version + 1 },
    data: [
      {
        ...{ kind: 'aliases', id: alias.id, name: 'renamed', change: 'changed' },
        ...{ before: { name: 'compared' }, after: { name: 'renamed' } },
      },
    ],
  })
  const same = await client.catalog.compare({
    params: { version: String(version) },
    query: { from: version },
  })
  expect(same.data).toEqual([])
  for (const wrong of ['0', '999999', 'x'])
    await expect(client.catalog.readVersion({ params: { version: wrong } })).rejects.toMatchObject({
      status: 404,
    })
})

test('a version is restored as a new one: changed, removed and added things are as they were, ids and all', async () => {
  const { client } = it
  const [one, two] = deploymentIds as [string, string]
  const team = await client.teams.create({ body: { name: 'Restored' } })
  const alias = await client.modelAliases.create({ body: { name: 'restored' } })
  const route = await client.routes.create({ body: { aliasId: alias.id, tiers: [[{ deploymentId: one }]] } })
  const policy = await client.policies.create({
    body: { name: 'p', ownerId: team.id, allowedModels: ['restored'] },
  })
  const top = await client.limits.create({
    body: { ownerId: team.id, measure: 'requests_per_minute', amount: 100 },
  })
  const good = await published()
  const aliasId = alias.id
  await client.limits.remove({ params: { limitId: top.id } })
  await client.policies.remove({ params: { policyId: policy.id } })
  await client.routes.remove({ params: { routeId: route.id } })
  await client.modelAliases.remove({ params: { aliasId } })
  await client.deployments.change({ params: { deploymentId: two }, body: { upstreamModel: 'worse' } })
  const usurper = await client.modelAliases.create({ body: { name: 'restored' } })
  await client.routes.create({ body: { aliasId: usurper.id, tiers: [[{ deploymentId: two }]] } })
  const params = { version: String(good.version) }
  const body = { message: 'the last good one' }
  const rehearsal = await client.catalog.restore({ params, body, dryRun: true })
  expect(rehearsal.catalog).toHaveLength(7)
  const restored = await client.catalog.restore({ params, body })
  expect(restored.data.map((difference) => difference.change).sort()).toEqual([
    ...['added', 'added', 'added', 'added', 'changed', 'removed', 'removed'],
  ])
  const now = await published()
  expect(parts(now)).toEqual(parts(good))
  expect(now.version).toBeGreaterThan(good.version)
  expect(now.teams).toEqual(good.teams)
  expect((await client.catalog.read()).message).toBe('the last good one')
  expect(await client.routes.read({ params: { routeId: route.id } })).toEqual(route)
  const [event] = (await client.auditEvents.list({ query: { action: 'catalog.restored' } })).data
  expect(event).toMatchObject({ subjectId: params.version, after: { restored: good.version } })
  const again = await client.catalog.restore({ params, body })
  expect([again.data, (await client.catalog.read()).version]).toEqual([[], now.version])
})

test('a version that no longer holds together is not restored, and nothing changes', async () => {
  const { client } = it
  const team = await client.teams.create({ body: { name: 'Goes' } })
  const policy = await client.policies.create({ body: { name: 'of who goes', ownerId: team.id } })
  const { version } = await client.catalog.read()
  await client.policies.remove({ params: { policyId: policy.id } })
  await client.teams.remove({ params: { teamId: team.id } })
  const before = await client.catalog.read()
  const restored = client.catalog.restore({ params: { version: String(version) }, body: { message: 'x' } })
  await expect(restored).rejects.toMatchObject({ status: 409, code: 'catalog_conflict' })
  expect(await client.catalog.read()).toEqual(before)
})

test('a version comes back though its names went to other things since', async () => {
  const { client } = it
  const [blue, green] = [
    await client.modelAliases.create({ body: { name: 'blue' } }),
    await client.modelAliases.create({ body: { name: 'green' } }),
  ]
  const good = await published()
  const rename = (aliasId: string, name: string) =>
    client.modelAliases.change({ params: { aliasId }, body: { name } })
  await rename(blue.id, 'aside')
  await rename(green.id, 'blue')
  await rename(blue.id, 'green')
  const params = { version: String(good.version) }
  await client.catalog.restore({ params, body: { message: 'each its own' } })
  expect(parts(await published())).toEqual(parts(good))
})

test('the limit of a key goes with the key when a version comes back, and is never lost by it', async () => {
  const { client, ports } = it
  const team = await client.teams.create({ body: { name: 'Guaranteed' } })
  const app = await client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const key = await client.keys.create({ body: { appId: app.id, name: 'key' } })
  const measure = 'requests_per_minute' as const
  const top = await client.limits.create({ body: { ownerId: team.id, measure, amount: 100 } })
  const made = await client.limits.create({ body: { ownerId: key.id, parentId: top.id, amount: 10 } })
  const without = (await published()).version
  const change = (guarantee: number | null) =>
    client.limits.change({ params: { limitId: made.id }, body: { guarantee } })
  await change(0.5)
  const held = (await published()).version
  const restore = (version: number) =>
    client.catalog.restore({ params: { version: String(version) }, body: { message: 'back' } })
  const carried = async () =>
    (await ports.keyPublisher.find(digestKey(key.secret)))?.limits.map(({ id, amount, guarantee }) => ({
      ...{ id, amount, guarantee },
    }))
  await restore(without)
  expect(await client.limits.read({ params: { limitId: made.id } })).toEqual(made)
  expect(await carried()).toEqual([{ id: made.id, amount: 10, guarantee: null }])
  await restore(held)
  expect(await carried()).toEqual([{ id: made.id, amount: 10, guarantee: 0.5 }])
  await client.limits.remove({ params: { limitId: made.id } })
  expect(await carried()).toEqual([])
  await restore(held)
  expect(await carried()).toEqual([{ id: made.id, amount: 10, guarantee: 0.5 }])
})

test('what was changed past the API comes back too, though no version knows of it', async () => {
  const { client, db } = it
  const alias = await client.modelAliases.create({ body: { name: 'tampered' } })
  const tiers = [[{ deploymentId: deploymentIds[0]! }]]
  const route = await client.routes.create({ body: { aliasId: alias.id, tiers } })
  const good = await published()
  const lost = JSON.stringify([[{ deploymentId: `dep_${'0'.repeat(26)}`, weight: 1 }]])
  await db.updateTable('routes').set({ tiers: lost }).where('id', '=', route.id).execute()
  await expect(client.modelAliases.create({ body: { name: 'blocked' } })).rejects.toMatchObject({
    code: 'catalog_conflict',
  })
  const params = { version: String(good.version) }
  const { data } = await client.catalog.restore({ params, body: { message: 'as it was' } })
  expect(data.map(({ kind, id, change }) => [kind, id, change])).toEqual([['routes', route.id, 'changed']])
  expect(parts(await published())).toEqual(parts(good))
  await client.modelAliases.create({ body: { name: 'blocked' } })
})

test('a version whose resource refers to a secret that is gone is not restored, and the secret is named', async () => {
  const { client } = it
  const secret = await client.secrets.create({ body: { name: 'gone', value: 'of no known form' } })
  const origin = 'https://api.openai.com'
  const body = { name: 'by-secret', apiStyle: 'openai' as const, origin, secretRef: secret.ref as never }
  const resource = await client.resources.create({ body })
  const { version } = await client.catalog.read()
  await client.resources.remove({ params: { resourceId: resource.id } })
  await client.secrets.remove({ params: { secretId: secret.id } })
  const restored = client.catalog.restore({ params: { version: String(version) }, body: { message: 'x' } })
  await expect(restored).rejects.toMatchObject({ status: 409, code: 'catalog_conflict' })
  await expect(restored).rejects.toThrow('db://gone')
})

test('a publication is live on as many gateways as say so, and one that is silent is not counted', async () => {
  const { client, ports } = it
  const { version } = await client.catalog.read()
  await ports.catalogFeed.acknowledge('gw_a', version)
  await ports.catalogFeed.acknowledge('gw_b', version)
  await ports.catalogFeed.acknowledge('gw_c', version - 1)
  const state = await client.catalog.gateways()
  expect(state).toMatchObject({ version, live: 2, known: 3 })
  expect(state.data.filter((gateway) => !gateway.isLive).map((gateway) => gateway.gatewayId)).toEqual([
    'gw_c',
  ])
  await ports.catalogFeed.acknowledge('gw_c', version)
  expect((await client.catalog.gateways()).live).toBe(3)
  await ports.catalogFeed.acknowledge('gw_a', null)
  expect(await client.catalog.gateways()).toMatchObject({ live: 2, known: 2 })
})

test('a draft is gathered, checked, compared and published as one version, once', async () => {
  const { client } = it
  const [one] = deploymentIds as [string]
  const alias = await client.modelAliases.create({ body: { name: 'drafted' } })
  const items = [
    { operation: 'routes.create', body: { aliasId: alias.id, tiers: [[{ deploymentId: one }]] } },
    {
      operation: 'policies.create',
      body: { name: 'drafted', ownerId: null, mode: 'shadow', deniedModels: ['drafted'] },
    },
  ]
  const draft = await client.drafts.create({ body: { name: 'Next week', items } })
  expect(draft).toMatchObject({ state: 'open', createdBy: 'admin-token', publishedVersion: null })
  const before = await client.catalog.read()
  const params = { draftId: draft.id }
  const check = await client.publications.check({ params })
  expect(check).toMatchObject({ passes: true, problem: null })
  expect(check.differences.map((it) => [it.kind, it.change])).toEqual([
    ['routes', 'added'],
    ['policies', 'added'],
  ])
  expect(check.warnings.map((warning) => warning.kind)).toContain('price')
  expect(await client.catalog.read()).toEqual(before)
  const ifMatch = client.etagOf(draft)!
  const renamed = await client.drafts.change({ params, body: { name: 'This week' }, ifMatch })
  const publish = (ifMatch: string) =>
    client.publications.publish({ params, body: { message: 'go' }, ifMatch })
  const sent = (tag: string) =>
    it.ask('POST', `/api/v1/drafts/${draft.id}/publication`, {
      body: { message: 'go' },
      headers: { 'if-match': tag },
    })
  expect((await sent(ifMatch)).status).toBe(412)
  const results = await Promise.all([1, 2, 3].map(() => sent(client.etagOf(renamed)!)))
  expect(results.map((answer) => answer.status).sort()).toEqual([200, 409, 409])
  const after = await client.catalog.read()
  expect([after.version, after.message]).toEqual([before.version + 1, 'go'])
  expect(await client.drafts.read({ params })).toMatchObject({
    state: 'published',
    publishedVersion: after.version,
  })
  await expect(publish('*')).rejects.toMatchObject({ status: 409, faults: [{ code: 'published' }] })
  for (const work of [
    () => client.drafts.change({ params, body: { name: 'x' } }),
    () => client.drafts.remove({ params }),
  ])
    await expect(work()).rejects.toMatchObject({ status: 409, faults: [{ code: 'published' }] })
  const events = (await client.auditEvents.list({ query: { subjectId: draft.id, result: 'done' } })).data
  expect(events.map((event) => event.action)).toEqual(['draft.published', 'draft.changed', 'draft.created'])
})

test('a draft that cannot be published says so at its check, points to the item, and changes nothing', async () => {
  const { client } = it
  const before = await client.catalog.read()
  const items = [
    { operation: 'modelAliases.create', body: { name: 'fine' } },
    { operation: 'routes.create', body: { aliasId: 'ali_00000000000000000000000000', tiers: [] } },
  ]
  const draft = await client.drafts.create({ body: { name: 'Wrong', items } })
  const params = { draftId: draft.id }
  const check = await client.publications.check({ params })
  expect(check.passes).toBe(false)
  expect(check.problem!.errors.map((fault) => fault.pointer)).toEqual(
    expect.arrayContaining(['/items/1/tiers']),
  )
  await expect(client.publications.publish({ params, body: { message: 'go' } })).rejects.toMatchObject({
    status: 400,
  })
  expect(await client.catalog.read()).toEqual(before)
  expect((await client.drafts.read({ params })).state).toBe('open')
  const foreign = client.drafts.create({ body: { name: 'x', items: [{ operation: 'keys.revoke' }] } })
  await expect(foreign).rejects.toMatchObject({ status: 400, faults: [{ pointer: '/items/0/operation' }] })
  expect(await client.drafts.remove({ params })).toEqual(draft)
})
