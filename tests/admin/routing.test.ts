/** What the admin API lets a route and an alias be, and how it tells what they may not. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from './harness.ts'
import { twoDeployments } from './provider.ts'

let it: TestPlane
let mini: string
let large: string
let teamId: string
beforeAll(async () => {
  it = await startTestPlane()
  const { client } = it
  teamId = (await client.teams.create({ body: { name: 'Routing' } })).id
  ;({ mini, large } = await twoDeployments(client))
})
afterAll(() => it.stop())

const only = (deploymentId: string) => [[{ deploymentId }]]
const aliasNamed = async (name: string, overridesModel?: boolean) =>
  (
    await it.client.modelAliases.create({
      body: { name, ...(overridesModel !== undefined && { overridesModel }) },
    })
  ).id

test('an alias with the name of a model leads to that model, unless it says that it means another', async () => {
  const { client } = it
  const aliasId = await aliasNamed('gpt-4o')
  await expect(client.routes.create({ body: { aliasId, tiers: only(mini) } })).rejects.toMatchObject({
    status: 409,
    code: 'catalog_conflict',
    faults: [
      {
        code: 'alias_conflict',
        message: expect.stringContaining(
          '"gpt-4o" has the name of a provider\'s model and leads to gpt-4o-mini',
        ),
        fix: expect.stringContaining('overrides_model'),
      },
    ],
  })
  const route = await client.routes.create({ body: { aliasId, tiers: only(large) } })
  await client.modelAliases.change({ params: { aliasId }, body: { overridesModel: true } })
  const params = { routeId: route.id }
  const changed = await client.routes.change({ params, body: { tiers: only(mini) } })
  expect(changed.tiers).toEqual([[{ deploymentId: mini, weight: 1 }]])
  await expect(
    client.modelAliases.change({ params: { aliasId }, body: { overridesModel: false } }),
  ).rejects.toMatchObject({ status: 409 })
})

test('a model of the shipped price list is known though nobody deployed it', async () => {
  const aliasId = await aliasNamed('gpt-4.1')
  await expect(it.client.routes.create({ body: { aliasId, tiers: only(mini) } })).rejects.toMatchObject({
    code: 'catalog_conflict',
  })
  await it.client.modelAliases.change({ params: { aliasId }, body: { overridesModel: true } })
  await it.client.routes.create({ body: { aliasId, tiers: only(mini) } })
})

test('rules are kept in their order, changed whole, and come back with a version', async () => {
  const { client } = it
  const aliasId = await aliasNamed('ruled')
  const rules = [
    {
      name: 'night',
      when: { times: [{ timeZone: 'Europe/Berlin', from: '22:00', to: '06:00' }] },
      tiers: only(mini),
    },
    {
      name: 'ours',
      when: { teamIds: [teamId], tags: [{ name: 'plan', values: ['gold'] }] },
      tiers: only(mini),
    },
  ]
  const route = await client.routes.create({ body: { aliasId, rules, tiers: only(large), choice: 'sticky' } })
  expect(route.rules.map((rule) => [rule.name, rule.choice])).toEqual([
    ['night', 'weighted'],
    ['ours', 'weighted'],
  ])
  expect(route.rules[0]?.when.times?.[0]?.weekdays).toHaveLength(7)
  const { version } = await client.catalog.read()
  const params = { routeId: route.id }
  const changed = await client.routes.change({ params, body: { rules: [], choice: 'fastest' } })
  expect(changed).toMatchObject({ rules: [], choice: 'fastest' })
  await client.catalog.restore({ params: { version: String(version) }, body: { message: 'back' } })
  expect(await client.routes.read({ params })).toEqual(route)
})

test('a rule that can never decide is a conflict that says which, why and what to do', async () => {
  const aliasId = await aliasNamed('unreachable')
  const rule = (name: string, when: object) => ({ name, when, tiers: only(mini) })
  const create = (...rules: ReturnType<typeof rule>[]) =>
    it.client.routes.create({ body: { aliasId, rules, tiers: only(large) } })
  const ours = { teamIds: [teamId] }
  await expect(
    create(rule('wide', ours), rule('narrow', { ...ours, endpoints: ['responses'] })),
  ).rejects.toMatchObject({
    code: 'catalog_conflict',
    faults: [
      {
        code: 'route_conflict',
        message: expect.stringContaining('"narrow" is never reached: "wide"'),
        fix: 'Put "narrow" before "wide", ask for less in them, or remove it.',
      },
    ],
  })
  const nobody = `team_${'0'.repeat(26)}`
  await expect(create(rule('gone', { teamIds: [nobody] }))).rejects.toMatchObject({ status: 409 })
  const window = { timeZone: 'UTC', from: '08:00', to: '08:00' }
  await expect(create(rule('empty', { times: [window] }))).rejects.toMatchObject({ status: 409 })
  await expect(create(rule('mars', { times: [{ ...window, timeZone: 'Mars/Base' }] }))).rejects.toMatchObject(
    {
      status: 400,
    },
  )
})
