/** The catalog changes under load, and no caller notices. */
import { afterAll, beforeAll, expect, test } from 'vitest'
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
  if (rounds(1) > 1) expect(at(0.99)).toBeLessThan(1_000)
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
