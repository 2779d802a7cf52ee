/** Model entries through the admin API: kept, published, and held against routes and names. */
import { CatalogDocument } from '@headgate/domain/catalog'
import type { ModelEntry } from '@headgate/domain/model-entry'
import type { ModelList } from '@headgate/domain/model-list'
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

const factsOf = ({ source: _, ...facts }: ModelEntry) => facts
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
  expect(await published()).toEqual([factsOf(made)])
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
  expect((await published()).find((one) => one.id === made.id)).toEqual(factsOf(changed))
  await expect(
    client.modelEntries.change({ params, body: { retiredOn: '2025-12-31' }, ifMatch: '*' }),
  ).rejects.toMatchObject({ status: 400, faults: [{ pointer: '/retired_on' }] })
  const sorted = await client.modelEntries.list({ query: { sort: 'retired_on' } })
  expect(sorted.data).toHaveLength(3)
  for (const { id } of [other, azure])
    await client.modelEntries.remove({ params: { entryId: id }, ifMatch: '*' })
  expect(await published()).toEqual([factsOf(changed)])
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

const own = (day: string, ...models: ModelList['models']): ModelList => ({ source: 'ours', day, models })
const unknown = {
  ...{ provider: null, endpoints: null, contextTokens: null, outputTokensMax: null },
  ...{ inputModalities: null, outputModalities: null, deprecatedOn: null, retiredOn: null },
}

test('the shipped list is shown whole before an entry is made of it, and holds together', async () => {
  const { client } = it
  const shown = await client.modelEntries.takeOver({ body: { list: null } })
  expect(shown).toMatchObject({
    applied: false,
    unchanged: 0,
    source: expect.stringMatching(/^LiteLLM .*, 2026-/),
  })
  expect(shown.differences.length).toBeGreaterThan(200)
  expect(await client.modelEntries.takeOver({ body: { list: null } })).toEqual(shown)
  const done = await client.modelEntries.takeOver({ body: { list: null, confirm: shown.confirm } })
  expect(done).toEqual({ ...shown, applied: true })
  const [entry] = (
    await client.modelEntries.list({ query: { q: 'gpt-4o', provider: 'azure', sort: 'name' } })
  ).data
  expect(entry).toMatchObject({
    ...{ name: 'gpt-4o', contextTokens: 128_000, outputTokensMax: 16_384, source: shown.source },
  })
  const [event] = (await client.auditEvents.list({ query: { subjectId: shown.confirm } })).data
  expect(event).toMatchObject({ action: 'model-entries.imported' })
  const again = await client.modelEntries.takeOver({ body: { list: null } })
  expect(again).toMatchObject({ differences: [], unchanged: shown.differences.length, byHand: 0 })
})

test('what was written by hand stays, and what came from a list follows the list until somebody changes it', async () => {
  const { client } = it
  const byHand = await client.modelEntries.create({ body: { name: 'by-hand', outputTokensMax: 7 } })
  const takeOver = async (list: ModelList) => {
    const { confirm } = await client.modelEntries.takeOver({ body: { list } })
    return client.modelEntries.takeOver({ body: { list, confirm } })
  }
  const models = ['by-hand', 'listed', 'another'].map((name) => ({ ...unknown, name, outputTokensMax: 100 }))
  expect(await takeOver(own('2026-01-01', ...models))).toMatchObject({ applied: true, byHand: 1 })
  const read = async (name: string) =>
    (await client.modelEntries.list({ query: { q: name } })).data.find(
      (one) => one.name === name,
    ) as ModelEntry
  expect(await read('by-hand')).toEqual(byHand)
  const listed = await read('listed')
  expect(listed).toMatchObject({ outputTokensMax: 100, source: 'ours, 2026-01-01' })

  const params = { entryId: listed.id }
  const noted = await client.modelEntries.change({ params, body: { note: 'looked at' }, ifMatch: '*' })
  expect(noted.source).toBe(listed.source)
  const ours = await read('another')
  const changed = await client.modelEntries.change({
    ...{ params: { entryId: ours.id }, body: { outputTokensMax: 50 }, ifMatch: '*' },
  })
  expect(changed).toMatchObject({ outputTokensMax: 50, source: null })

  const later = models.map((one) => ({ ...one, outputTokensMax: 200 }))
  const shown = await client.modelEntries.takeOver({ body: { list: own('2026-02-01', ...later) } })
  expect(shown).toMatchObject({
    ...{ byHand: 2, unchanged: 0 },
    differences: [
      { name: 'listed', before: { id: listed.id, outputTokensMax: 100 }, after: { outputTokensMax: 200 } },
    ],
  })
  await takeOver(own('2026-02-01', ...later))
  expect(await read('listed')).toEqual({ ...noted, outputTokensMax: 200, source: 'ours, 2026-02-01' })
  expect(await read('by-hand')).toEqual(byHand)
  expect(await read('another')).toEqual(changed)
})

test('what was not shown is not taken over, and a list that contradicts itself is refused with its place', async () => {
  const { client } = it
  const listOf = (outputTokensMax: number) =>
    own('2026-03-01', { ...unknown, name: 'fresh', outputTokensMax })
  const { confirm } = await client.modelEntries.takeOver({ body: { list: listOf(1) } })
  await expect(client.modelEntries.takeOver({ body: { list: listOf(2), confirm } })).rejects.toMatchObject({
    ...{ code: 'conflict', faults: [{ pointer: '/confirm', code: 'stale' }] },
  })
  const twice = own('2026-03-01', { ...unknown, name: 'a' }, { ...unknown, name: 'a' })
  const ends = own('2026-03-01', {
    ...unknown,
    name: 'a',
    deprecatedOn: '2026-02-02',
    retiredOn: '2026-02-01',
  })
  for (const [list, pointer] of [
    [twice, '/list/models'],
    [ends, '/list/models/0/retired_on'],
  ] as const) {
    await expect(client.modelEntries.takeOver({ body: { list } })).rejects.toMatchObject({
      ...{ status: 400, faults: [{ pointer }] },
    })
  }
  expect((await client.modelEntries.list({ query: { q: 'fresh' } })).data).toEqual([])
})
