/** Policies through the admin API: made, changed and taken away, in force with their catalog, and never about nothing. */
import { AdminProblem } from '@headgate/admin-contract/problem'
import { CatalogDocument } from '@headgate/domain/catalog'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane, until } from './harness.ts'
import { usageRecord } from './usage-record.ts'

let it: TestPlane
let owners: { team: string; app: string; key: string }
let resourceId: string
beforeAll(async () => {
  it = await startTestPlane()
  const team = await it.client.teams.create({ body: { name: 'Search' } })
  const app = await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const key = await it.client.keys.create({ body: { name: 'key', appId: app.id } })
  owners = { team: team.id, app: app.id, key: key.id }
  for (const name of ['small', 'large']) await it.client.modelAliases.create({ body: { name } })
  const origin = 'https://api.openai.com'
  const body = {
    name: 'account',
    apiStyle: 'openai',
    origin,
    secretRef: 'env://OPENAI_API_KEY' as never,
  } as const
  resourceId = (await it.client.resources.create({ body })).id
})
afterAll(() => it.stop())

const published = async () => CatalogDocument.parse(await it.ports.catalogFeed.newerThan(0)).policies
const eventsOf = async (subjectId: string) =>
  (await it.client.auditEvents.list({ query: { subjectId, result: 'done' } })).data.map(
    (event) => event.action,
  )

test('a policy is made with all it does not say left open, is read, listed by owner, and published', async () => {
  const { client } = it
  const policy = await client.policies.create({
    body: { name: 'Small models', ownerId: owners.team, allowedModels: ['small'], outputTokensMax: 500 },
  })
  expect(policy).toMatchObject({
    ...{ id: expect.stringMatching(/^pol_/), mode: 'enforce', allowedModels: ['small'], deniedModels: null },
    ...{ allowedEndpoints: null, deniedResources: null, outputTokensMax: 500, choicesMax: null },
  })
  expect(await client.policies.read({ params: { policyId: policy.id } })).toEqual(policy)
  expect((await client.policies.list({ query: { ownerId: owners.team } })).data).toEqual([policy])
  expect((await client.policies.list({ query: { ownerId: owners.app } })).data).toEqual([])
  expect((await client.policies.list()).data[0]).toEqual(policy)
  expect(await published()).toContainEqual(policy)
})

test.each(['team', 'app', 'key'] as const)('a policy can be that of a %s', async (owner) => {
  const policy = await it.client.policies.create({ body: { name: 'One of each', ownerId: owners[owner] } })
  expect(policy.ownerId).toBe(owners[owner])
  expect(await published()).toContainEqual(policy)
})

test('a change touches what it names, takes away what it says is null, and is published and audited', async () => {
  const { client } = it
  const policy = await client.policies.create({
    body: {
      ...{ name: 'To change', ownerId: null, mode: 'shadow' },
      ...{
        deniedModels: ['large'],
        allowedResources: [resourceId],
        deniedEndpoints: ['moderations'],
        choicesMax: 3,
      },
    },
  })
  const params = { policyId: policy.id }
  const changed = await client.policies.change({
    params,
    body: { mode: 'enforce', deniedModels: null, choicesMax: 2 },
  })
  expect(changed).toEqual({ ...policy, mode: 'enforce', deniedModels: null, choicesMax: 2 })
  expect(await published()).toContainEqual(changed)
  expect(await client.policies.change({ params, body: { mode: 'enforce' } })).toEqual(changed)
  expect(await client.policies.change({ params, body: {} })).toEqual(changed)
  expect(await eventsOf(policy.id)).toEqual(['policy.changed', 'policy.created'])
  const [event] = (await client.auditEvents.list({ query: { subjectId: policy.id } })).data
  expect(event).toMatchObject({ before: policy, after: changed })
})

test('a policy stays with its owner, so that no change makes a rule of one team a rule for all', async () => {
  const policy = await it.client.policies.create({ body: { name: 'Mine', ownerId: owners.team } })
  const answer = await it.ask('PATCH', `/api/v1/policies/${policy.id}`, { body: { owner_id: null } })
  expect([answer.status, answer.json.errors[0].pointer]).toEqual([400, '/owner_id'])
})

test('a policy that is removed is answered as it was, audited, and gone from the catalog', async () => {
  const { client } = it
  const policy = await client.policies.create({
    body: { name: 'To remove', ownerId: null, deniedModels: [] },
  })
  const params = { policyId: policy.id }
  expect(await client.policies.remove({ params })).toEqual(policy)
  expect((await published()).map((one) => one.id)).not.toContain(policy.id)
  await expect(client.policies.remove({ params })).rejects.toMatchObject({ status: 404 })
  await expect(client.policies.change({ params, body: { name: 'x' } })).rejects.toMatchObject({ status: 404 })
  expect(await eventsOf(policy.id)).toEqual(['policy.removed', 'policy.created'])
})

const nobody = '00000000000000000000000000'

test('all that does not exist is told at once, each with its place and a cure, at making and at changing', async () => {
  const owner = { owner_id: `app_${nobody}` }
  const wrong = {
    allowed_models: ['small', 'smal'],
    denied_models: ['larg'],
    denied_resources: [`res_${nobody}`],
  }
  const before = await it.client.catalog.read()
  const policy = await it.client.policies.create({ body: { name: 'Right', ownerId: null } })
  const asked = [
    [
      ['/owner_id'],
      await it.ask('POST', '/api/v1/policies', { body: { name: 'Wrong', ...owner, ...wrong } }),
    ],
    [[], await it.ask('PATCH', `/api/v1/policies/${policy.id}`, { body: wrong })],
  ] as const
  for (const [first, answer] of asked) {
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    const faults = answer.json.errors as { pointer: string; code: string; fix: string }[]
    expect(faults.map((fault) => fault.pointer)).toEqual([
      ...[...first, '/allowed_models/1', '/denied_models/0', '/denied_resources/0'],
    ])
    for (const fault of faults)
      expect(fault).toMatchObject({ code: 'unknown_reference', fix: expect.stringMatching(/^Send/) })
  }
  expect((await it.client.catalog.read()).version).toBe(before.version + 1)
})

test('an endpoint that is not served, an owner of another kind and a cap of nothing point at themselves', async () => {
  for (const [body, pointer] of [
    [{ denied_endpoints: ['chat'] }, '/denied_endpoints/0'],
    [{ owner_id: `usr_${nobody}` }, '/owner_id'],
    [{ output_tokens_max: 0 }, '/output_tokens_max'],
    [{ mode: 'off' }, '/mode'],
  ] as const) {
    const answer = await it.ask('POST', '/api/v1/policies', { body: { name: 'x', owner_id: null, ...body } })
    expect([answer.status, answer.json.errors[0].pointer]).toEqual([400, pointer])
  }
})

test('two policies of one owner have different names, and those of two owners need not', async () => {
  const { client } = it
  await client.policies.create({ body: { name: 'Twice', ownerId: null } })
  await client.policies.create({ body: { name: 'Twice', ownerId: owners.team } })
  const again = client.policies.create({ body: { name: 'Twice', ownerId: null } })
  await expect(again).rejects.toBeInstanceOf(AdminProblem)
  await expect(again).rejects.toMatchObject({ status: 409, faults: [{ pointer: '/name', code: 'taken' }] })
})

test('a row written round the API that speaks of nothing keeps the next catalog from being made, by name', async () => {
  const policy = await it.client.policies.create({ body: { name: 'Broken', ownerId: null } })
  await it.db
    .updateTable('policies')
    .set({ deniedModels: ['gone'] })
    .where('id', '=', policy.id)
    .execute()
  const answer = await it.ask('POST', '/api/v1/model-aliases', { body: { name: 'another' } })
  expect([answer.status, answer.json.code]).toEqual([409, 'catalog_conflict'])
  expect(answer.json.detail).toContain('policy "Broken" speaks of "gone"')
  await it.client.policies.remove({ params: { policyId: policy.id } })
})

test('what a shadow policy would have refused is in the usage records', async () => {
  const record = usageRecord(1)
  it.ports.usageSource.append(record)
  it.ports.usageSource.append(usageRecord(2, { shadowRefusal: null }))
  await until(async () => (await it.client.usage.list()).data.length === 2, 'both records')
  const { data } = await it.client.usage.list()
  expect(data.map((one) => one.shadowRefusal)).toEqual([null, record.shadowRefusal])
  const wire = await it.ask('GET', '/api/v1/usage-records')
  expect(wire.json.data[1].shadow_refusal).toEqual({
    ...{ code: 'choices_over_cap', policy_id: 'pol_1', text: '"n" asks for 1 answers' },
  })
})
