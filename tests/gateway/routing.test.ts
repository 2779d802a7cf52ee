/** Which deployment a call meets: by the rules of its route, and within a tier by the choice. */
import type { CatalogDocument } from '@headgate/domain/catalog'
import { NewPolicy } from '@headgate/domain/policy'
import { Route } from '@headgate/domain/route'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({
    models: ['slow-first-byte-700ms'],
    routes: { chosen: [['gpt-4o', 'gpt-4o-mini']] },
  })
})
afterAll(() => gateway.stop())

type Ask = { headers?: Record<string, string>; more?: object; model?: string }

async function ask({ headers = {}, more = {}, model = 'chosen' }: Ask = {}) {
  const reply = await send(gateway.origin, {
    headers: { authorization: `Bearer ${gateway.keys.limited}`, ...headers },
    body: chatBody(model, more),
  })
  return {
    ...reply,
    deployment: reply.headers['x-headgate-deployment'],
    rule: reply.headers['x-headgate-route'],
  }
}

/** Publishes the catalog with another route for `chosen`; deployments are told by their names. */
async function route(
  make: (id: (name: string) => string, teamId: string) => object,
  policies: (document: CatalogDocument) => CatalogDocument['policies'] = () => [],
) {
  const version = await gateway.publish((document: CatalogDocument) => {
    const id = (name: string) => document.deployments.find((it) => it.name === name)!.id
    const aliasId = document.aliases.find((it) => it.name === 'chosen')!.id
    const routes = document.routes.map((it) =>
      it.aliasId === aliasId ? Route.parse({ ...it, ...make(id, gateway.teamId) }) : it,
    )
    return { ...document, routes, policies: policies(document) }
  })
  await expect
    .poll(async () => (await ask()).headers['x-headgate-config-version'], { timeout: 10_000 })
    .toBe(String(version))
}

const only = (id: string) => [[{ deploymentId: id }]]

test('the first rule that holds decides, and where none does the tiers of the route', async () => {
  await route((id, teamId) => ({
    rules: [
      {
        name: 'gold',
        when: { tags: [{ name: 'plan', values: ['gold'] }] },
        tiers: only(id('gpt-4o')),
        choice: 'weighted',
      },
      {
        name: 'ours',
        when: { teamIds: [teamId], endpoints: ['embeddings'] },
        tiers: only(id('fail-500')),
        choice: 'weighted',
      },
      {
        name: 'elsewhere',
        when: { tags: [{ name: 'plan', values: ['gold', 'lead'] }] },
        tiers: only(id('fail-400')),
        choice: 'weighted',
      },
    ],
    tiers: only(id('gpt-4o-mini')),
  }))
  expect(await ask()).toMatchObject({ deployment: 'gpt-4o-mini', rule: undefined, status: 200 })
  const gold = await ask({ headers: { 'x-headgate-tags': 'team=x, plan=gold' } })
  expect(gold).toMatchObject({ deployment: 'gpt-4o', rule: 'gold', status: 200 })
  expect(await ask({ headers: { 'x-headgate-tags': 'plan=lead' } })).toMatchObject({ status: 400 })
})

test('a header of tags or of a session that cannot be read is refused, and says why', async () => {
  expect(await ask({ headers: { 'x-headgate-tags': 'plan' } })).toMatchObject({ status: 400 })
  expect(await ask({ headers: { 'x-headgate-session': 'a b' } })).toMatchObject({ status: 400 })
})

test('a rule cannot lead round a policy: what it leads to is judged like all else', async () => {
  const createdAt = '2026-01-01T00:00:00Z'
  const denial = { name: 'no azure', ownerId: null, mode: 'enforce' } as const
  await route(
    (id) => ({
      rules: [
        {
          ...{ name: 'gold', when: { tags: [{ name: 'plan', values: ['gold'] }] } },
          ...{ tiers: only(id('v1.gpt-4o')), choice: 'weighted' },
        },
      ],
      tiers: only(id('gpt-4o-mini')),
    }),
    ({ deployments }) => {
      const { resourceId } = deployments.find((it) => it.name === 'v1.gpt-4o')!
      const policy = NewPolicy.parse({ ...denial, deniedResources: [resourceId] })
      return [{ ...policy, id: `pol_${'0'.repeat(26)}`, createdAt }]
    },
  )
  expect(await ask()).toMatchObject({ status: 200 })
  const refused = await ask({ headers: { 'x-headgate-tags': 'plan=gold' } })
  expect(refused.status).toBe(403)
  expect(refused.body.toString()).toContain('resource_not_allowed')
})

test('calls of one session, or with one cache key, meet one deployment; other ones meet others', async () => {
  await route((id) => ({
    tiers: [['gpt-4o', 'gpt-4o-mini'].map((name) => ({ deploymentId: id(name) }))],
    choice: 'sticky',
  }))
  const met = new Set<string>()
  for (let session = 0; session < 12; session++) {
    const headers = { 'x-headgate-session': `session-${session}` }
    const [one, other] = [await ask({ headers }), await ask({ headers, more: { temperature: 0 } })]
    expect(other.deployment).toBe(one.deployment)
    met.add(String(one.deployment))
  }
  expect(met.size).toBe(2)
  const more = { prompt_cache_key: 'shared prefix' }
  expect((await ask({ more })).deployment).toBe((await ask({ more })).deployment)
})

test('a sticky call goes elsewhere when its deployment fails, and the others stay where they are', async () => {
  await route((id) => ({
    tiers: [['fail-500', 'gpt-4o'].map((name) => ({ deploymentId: id(name) }))],
    choice: 'sticky',
  }))
  for (let session = 0; session < 6; session++) {
    const reply = await ask({ headers: { 'x-headgate-session': `session-${session}` } })
    expect(reply).toMatchObject({ status: 200, deployment: 'gpt-4o' })
  }
})

test('the least busy deployment is taken: while one is busy, calls meet the other', async () => {
  await route((id) => ({
    tiers: [['slow-first-byte-700ms', 'gpt-4o'].map((name) => ({ deploymentId: id(name) }))],
    choice: 'least_busy',
  }))
  const slow = ask({ model: 'slow-first-byte-700ms' })
  await expect.poll(() => gateway.fake.record().at(-1)?.model).toBe('slow-first-byte-700ms')
  for (let i = 0; i < 6; i++) expect((await ask()).deployment).toBe('gpt-4o')
  await slow
})

test('a deployment that fails fast does not look fast', async () => {
  await route((id) => ({
    tiers: [['fail-500', 'gpt-4o'].map((name) => ({ deploymentId: id(name) }))],
    choice: 'fastest',
  }))
  for (let i = 0; i < 3; i++) await ask()
  const first = await Promise.all([ask(), ask(), ask(), ask()])
  expect(first.map((it) => it.headers['x-headgate-attempts'])).toEqual(['1', '1', '1', '1'])
})
