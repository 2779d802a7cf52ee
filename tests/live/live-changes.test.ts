/** The catalog changes under load, and no caller notices; a change that contradicts itself is never served. */
import { AdminProblem } from '@headgate/admin-contract/problem'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { rounds } from '../servers/rounds.ts'
import { type LiveWorld, liveWorld, streamFault } from './world.ts'

const CALLS_PER_SECOND = 100
const STREAMS = 5

let it: LiveWorld
beforeAll(async () => {
  it = await liveWorld()
})
afterAll(() => it[Symbol.asyncDispose]())

test('changes under load fail no call and cut no stream, and each is served soon', async ({ annotate }) => {
  const { secret } = await it.newKey()
  const load = startLoad(secret)
  const seenMs: number[] = []
  for (let n = 0; n < rounds(10); n++) {
    await change(n)
    seenMs.push(await untilServed())
  }
  const { calls, streams, faults } = await load.stop()
  expect(faults).toEqual([])
  expect(calls).toBeGreaterThan(seenMs.length)
  expect(streams).toBeGreaterThan(0)
  const inOrder = seenMs.sort((a, b) => a - b)
  const at = (share: number) => Math.round(inOrder[Math.ceil(inOrder.length * share) - 1] as number)
  await annotate(
    `${inOrder.length} changes, ${calls} calls, ${streams} streams; served by both gateways after p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms`,
  )
})

/** Ways to change the catalog; each leaves the alias that is called, and its key, as they are. */
const changes: readonly ((n: number) => Promise<unknown>)[] = [
  (n) => it.client.modelAliases.create({ body: { name: `alias-${n}` } }),
  async (n) => {
    const alias = await it.client.modelAliases.create({ body: { name: `routed-${n}` } })
    const tiers = [[{ deploymentId: it.deploymentIds[n % 2] as string, weight: 1 + n }]]
    return it.client.routes.create({ body: { aliasId: alias.id, tiers } })
  },
  async (n) => {
    const { data } = await it.client.routes.list({ query: { limit: 1, sort: 'created_at' } })
    const tiers = [it.deploymentIds.map((deploymentId, i) => ({ deploymentId, weight: 1 + ((n + i) % 7) }))]
    return it.client.routes.change({ params: { routeId: data[0]!.id }, body: { tiers } })
  },
  (n) => it.client.teams.create({ body: { name: `Team ${n}` } }),
  (n) =>
    it.client.policies.create({
      body: { name: `p${n}`, ownerId: it.teamId, outputTokensMax: 10_000 + n },
    }),
  async (n) => {
    const team = await it.client.teams.create({ body: { name: `Limited ${n}` } })
    const body = { ownerId: team.id, measure: 'requests_per_minute' as const, amount: 100 + n }
    return it.client.limits.create({ body })
  },
]

function change(n: number): Promise<unknown> {
  return (changes[(n * 7) % changes.length] as (typeof changes)[number])(n)
}

/** @returns how long it took until all gateways serve what the control plane has now */
async function untilServed(): Promise<number> {
  const sinceMs = performance.now()
  const { version } = await it.client.catalog.read()
  for (const gateway of it.gateways) {
    while ((await it.versionOf(gateway)) < version) {
      if (performance.now() - sinceMs > 10_000)
        throw new Error(`version ${version} was not served within 10 s`)
      await new Promise((done) => setTimeout(done, 5))
    }
  }
  return performance.now() - sinceMs
}

/** Calls and streams at both gateways, one after the other, until it is stopped. */
function startLoad(secret: string) {
  const under = new Set<Promise<void>>()
  const faults: string[] = []
  const counts = { calls: 0, streams: 0 }
  let running = true
  const note = (what: 'calls' | 'streams', fault: string | null) => {
    counts[what] += 1
    if (fault !== null) faults.push(fault)
  }
  const timer = setInterval(() => {
    const gateway = it.gateways[counts.calls % it.gateways.length] as (typeof it.gateways)[number]
    const call = it.ask(gateway, secret).then(
      (status) => note('calls', status === 200 ? null : `status ${status}`),
      (fault) => note('calls', String(fault)),
    )
    under.add(call)
    void call.then(() => under.delete(call))
  }, 1000 / CALLS_PER_SECOND)
  const readers = Array.from({ length: STREAMS }, async (_, i) => {
    const gateway = it.gateways[i % it.gateways.length] as (typeof it.gateways)[number]
    while (running) note('streams', await streamFault(gateway.origin, secret))
  })
  return {
    stop: async () => {
      clearInterval(timer)
      running = false
      await Promise.all([...readers, ...under])
      return { ...counts, faults }
    },
  }
}

type Ids = {
  readonly aliasId: string
  readonly bareId: string
  readonly appId: string
  readonly limitId: string
}

/** Each contradicts something. */
const invalid: Readonly<Record<string, (ids: Ids) => Promise<unknown>>> = {
  'an alias of a name there is': () => it.client.modelAliases.create({ body: { name: 'steady' } }),
  'a second route of an alias': ({ aliasId }) => route(aliasId, it.deploymentIds[0]),
  'a route to a deployment there is not': ({ bareId }) => route(bareId, `dep_${'0'.repeat(26)}`),
  'a deployment of a resource there is not': () =>
    it.client.deployments.create({
      body: { name: 'x', resourceId: `res_${'0'.repeat(26)}`, upstreamModel: 'm' },
    }),
  'more guaranteed than there is': ({ appId, limitId }) =>
    it.client.limits.create({
      body: { ownerId: appId, parentId: limitId, measure: 'requests_per_minute', guarantee: 1.5 } as never,
    }),
  'a provider at an inner address': () =>
    it.client.resources.create({
      body: {
        name: 'in',
        apiStyle: 'openai',
        origin: 'http://169.254.169.254',
        secretRef: 'env://X' as never,
      },
    }),
  'the removal of what a route leads to': () =>
    it.client.deployments.remove({ params: { deploymentId: it.deploymentIds[0] } }),
  'a route without a target': ({ bareId }) =>
    it.client.routes.create({ body: { aliasId: bareId, tiers: [] as never } }),
}

function route(aliasId: string, deploymentId: string): Promise<unknown> {
  return it.client.routes.create({ body: { aliasId, tiers: [[{ deploymentId }]] } })
}

const published = () => it.plane.ports.catalogFeed.newerThan(0)

test('changes that contradict something are refused with the reason, and never served', async () => {
  const { client } = it
  const { data } = await client.modelAliases.list({ query: { q: 'steady' } })
  const ids: Ids = {
    aliasId: data[0]!.id,
    bareId: (await client.modelAliases.create({ body: { name: 'bare' } })).id,
    appId: it.appId,
    limitId: (
      await client.limits.create({
        body: { ownerId: it.teamId, measure: 'requests_per_minute', amount: 100_000 },
      })
    ).id,
  }
  await untilServed()
  const before = await published()
  for (let n = 0; n < 5; n++) {
    for (const [what, write] of Object.entries(invalid)) {
      const fault: unknown = await write(ids).then(
        () => `${what} was taken`,
        (thrown: unknown) => thrown,
      )
      expect(fault, what).toBeInstanceOf(AdminProblem)
      expect((fault as AdminProblem).faults.map((it) => it.fix).join('').length, what).toBeGreaterThan(10)
    }
  }
  expect(await published()).toEqual(before)
})

test('what is written past the API and contradicts itself is not served, and the next change says so', async () => {
  const db = new pg.Client(it.plane.databaseUrl)
  await db.connect()
  onTestFinished(() => db.end())
  const before = await published()
  const lost = JSON.stringify([[{ deploymentId: `dep_${'0'.repeat(26)}`, weight: 1 }]])
  const { rows } = await db.query<{ id: string; tiers: unknown }>('select id, tiers from routes limit 1')
  const [broken] = rows as [{ id: string; tiers: unknown }]
  await expect(db.query('insert into model_aliases select * from model_aliases limit 1')).rejects.toThrow()
  const update = 'update routes set tiers = $1::jsonb where id = $2'
  await db.query(update, [lost, broken.id])
  const next = it.client.modelAliases.create({ body: { name: 'after-the-fact' } })
  await expect(next).rejects.toMatchObject({ code: 'catalog_conflict' })
  await expect(next).rejects.toThrow(/dep_0000|deployment/)
  expect(await published()).toEqual(before)
  await db.query(update, [JSON.stringify(broken.tiers), broken.id])
  await it.client.modelAliases.create({ body: { name: 'after-the-fact' } })
  await untilServed()
})
