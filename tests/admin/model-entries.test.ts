/** Model entries through the admin API: kept, published, and held against routes and names. */
import { CatalogDocument } from '@headgate/domain/catalog'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from './harness.ts'

let it: TestPlane
let resourceId: string
let deploymentId: string
beforeAll(async () => {
  it = await startTestPlane()
  const secretRef = 'env://OPENAI_API_KEY' as never
  const account = { name: 'a', apiStyle: 'openai', origin: 'https://api.openai.com', secretRef } as const
  resourceId = (await it.client.resources.create({ body: account })).id
  const body = { name: 'd', resourceId, upstreamModel: 'ours', pricedAs: 'our-model' }
  deploymentId = (await it.client.deployments.create({ body })).id
})
afterAll(() => it.stop())

const published = async () => CatalogDocument.parse(await it.ports.catalogFeed.newerThan(0)).modelEntries
const rule = (endpoints: string[]) => ({
  ...{ name: 'vectors', when: { endpoints }, tiers: [[{ deploymentId }]] },
})

test('an entry is made, changed and removed, and gateways hear of those whose models are deployed', async () => {
  const { client } = it
  const made = await client.modelEntries.create({
    body: { name: 'our-model', endpoints: ['chat.completions'], contextTokens: 128_000, note: 'own' },
  })
  const other = await client.modelEntries.create({ body: { name: 'not-deployed' } })
  expect(made).toMatchObject({ provider: null, outputTokensMax: null, retiredOn: null })
  expect(await client.modelEntries.read({ params: { entryId: made.id } })).toEqual(made)
  expect(await published()).toEqual([made])
  await expect(client.modelEntries.create({ body: { name: 'our-model' } })).rejects.toMatchObject({
    ...{ code: 'conflict', faults: [{ pointer: '/name', code: 'taken' }] },
  })
  const azure = await client.modelEntries.create({ body: { name: 'our-model', provider: 'azure' } })
  expect((await client.modelEntries.list({ query: { q: 'our', provider: 'azure' } })).data).toEqual([azure])
  const params = { entryId: made.id }
  const changed = await client.modelEntries.change({
    ...{ params, ifMatch: client.etagOf(made)! },
    body: { outputTokensMax: 16_384, deprecatedOn: '2026-01-01', inputModalities: ['text', 'image'] },
  })
  expect((await published()).find((one) => one.id === made.id)).toEqual(changed)
  await expect(
    client.modelEntries.change({ params, body: { retiredOn: '2025-12-31' }, ifMatch: '*' }),
  ).rejects.toMatchObject({ status: 400, faults: [{ pointer: '/retired_on' }] })
  const sorted = await client.modelEntries.list({ query: { sort: 'retired_on' } })
  expect(sorted.data).toHaveLength(3)
  for (const { id } of [other, azure])
    await client.modelEntries.remove({ params: { entryId: id }, ifMatch: '*' })
  expect(await published()).toEqual([changed])
})

test('a rule for endpoints that a model cannot serve is a conflict, whichever of the two is written last', async () => {
  const { client } = it
  const alias = await client.modelAliases.create({ body: { name: 'vectors' } })
  const body = { aliasId: alias.id, tiers: [[{ deploymentId }]], rules: [rule(['embeddings'])] }
  await expect(client.routes.create({ body: body as never })).rejects.toMatchObject({
    code: 'catalog_conflict',
    message: expect.stringContaining('whose model "our-model" serves chat.completions'),
  })
  const route = await client.routes.create({
    body: { ...body, rules: [rule(['embeddings', 'chat.completions'])] } as never,
  })
  const [entry] = await published()
  await expect(
    client.modelEntries.change({
      ...{ params: { entryId: entry!.id }, ifMatch: '*' },
      body: { endpoints: ['responses'] },
    }),
  ).rejects.toMatchObject({ code: 'catalog_conflict' })
  await client.routes.remove({ params: { routeId: route.id }, ifMatch: '*' })
})

test('an alias may not bear the name of a model that somebody wrote down and lead elsewhere, unless that is meant', async () => {
  const { client } = it
  const alias = await client.modelAliases.create({ body: { name: 'house-model' } })
  const route = { aliasId: alias.id, tiers: [[{ deploymentId }]] }
  const made = await client.routes.create({ body: route })
  await expect(client.modelEntries.create({ body: { name: 'house-model' } })).rejects.toMatchObject({
    code: 'catalog_conflict',
    message: expect.stringContaining('house-model'),
  })
  const params = { aliasId: alias.id }
  await client.modelAliases.change({ params, body: { overridesModel: true }, ifMatch: '*' })
  await client.modelEntries.create({ body: { name: 'house-model' } })
  expect(made.aliasId).toBe(alias.id)
})

test('a draft is warned of a model that was retired, with its day', async () => {
  const { client } = it
  const [entry] = await published()
  const items = [
    {
      ...{ operation: 'modelEntries.change', params: { entryId: entry!.id }, ifMatch: '*' },
      body: { retiredOn: '2026-01-31' },
    },
  ]
  const draft = await client.drafts.create({ body: { name: 'Retired', items } })
  const check = await client.publications.check({ params: { draftId: draft.id } })
  expect(check).toMatchObject({ passes: true })
  expect(check.warnings).toContainEqual({
    ...{ kind: 'model', id: deploymentId },
    message: 'deployment "d" runs "our-model", which was retired on 2026-01-31',
  })
})
