/** Gateways killed with calls under way: their leases end them, and what is charged is something that was known. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { askFor } from '../../adapters/src/contracts/ledger-contract.ts'
import { eventually } from '../../adapters/src/contracts/samples.ts'
import { connectRedis, type RedisClient } from '../../adapters/src/redis/client.ts'
import { type RedisLedger, redisLedger } from '../../adapters/src/redis/ledger.ts'
import { unsent } from '../../domain/src/reservation.ts'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import { rounds } from '../servers/rounds.ts'
import type { Deed, DyingPlan } from './dying-process.ts'
import { callClaim, chargedIn, isPeaceful, nanosOf, spentBy, teamClaims } from './settled-books.ts'

const PROCESS = fileURLToPath(new URL('./dying-process.ts', import.meta.url))
const LEASE_MS = 400
const GATEWAYS_EACH = 5
/** Processes that live at the same time. */
const AT_ONCE = 5

let url: string
let client: RedisClient
let survivor: RedisLedger
beforeAll(async () => {
  url = await freshRedisUrl()
  client = await connectRedis(url, { log: () => {} })
  survivor = redisLedger(client, { log: () => {}, deadlineMs: 10_000, leaseMs: LEASE_MS })
})
afterAll(async () => {
  survivor.close()
  await client.close()
})

/** Starts gateways, kills them some time after their first call, and gives what they had written down. */
async function liveAndDie(tags: readonly string[], lifeMs: number): Promise<readonly Deed[]> {
  const plan: DyingPlan = { url, tags, leaseMs: LEASE_MS }
  const child: ChildProcess = spawn(process.execPath, [PROCESS, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  const closed = once(child, 'close')
  await eventually(() => said.includes('admit'), 20_000)
  await new Promise((done) => setTimeout(done, lifeMs))
  child.kill('SIGKILL')
  await closed
  const whole = said.slice(0, said.lastIndexOf('\n'))
  return whole.split('\n').map((line) => JSON.parse(line) as Deed)
}

/** Each call was charged what was known of it at some time, and all of them together are what the team was charged. */
async function checkBooks(tag: string, deeds: readonly Deed[]): Promise<number> {
  const byCall = Map.groupBy(deeds, (it) => it.id)
  const sum = { tokens: 0, calls: 0 }
  for (const [id, ofCall] of byCall) {
    const charged = await chargedIn(client, callClaim(tag, id))
    const known = ofCall.flatMap((it) => (it.did === 'admit' ? [] : [it.tokens]))
    if (!ofCall.some((it) => it.did === 'admit')) known.push(0)
    expect(known, `${tag} ${id}: ${JSON.stringify(ofCall)}`).toContain(charged)
    sum.tokens += charged
    sum.calls += charged > 0 ? 1 : 0
  }
  const [day, calls] = teamClaims(tag)
  expect({ tokens: await chargedIn(client, day!), calls: await chargedIn(client, calls!) }, tag).toEqual(sum)
  expect(await spentBy(client, tag), `money of ${tag}`).toBe(nanosOf(sum.tokens))
  return byCall.size
}

/** One process from its start to when its leases are over; gives how many calls it had asked for. */
async function killOne(round: number): Promise<number> {
  const tags = Array.from({ length: GATEWAYS_EACH }, (_, i) => `{team_killed_${round}_${i}}`)
  const deeds = await liveAndDie(tags, (round * 37) % 200)
  for (const tag of tags) {
    const visit = askFor(teamClaims(tag), 1)
    await survivor.reserve(visit)
    survivor.settle(visit, unsent)
  }
  let calls = 0
  for (const tag of tags) {
    await eventually(() => isPeaceful(client, tag), 20_000)
    const own = deeds.filter((it) => it.tag === tag)
    calls += await checkBooks(tag, own)
  }
  return calls
}

test('gateways killed with calls under way leave nothing pending and no unit unaccounted for', async () => {
  const total = rounds(10)
  for (let round = 0; round < total; round += AT_ONCE) {
    const calls = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => killOne(round + i)))
    expect(Math.min(...calls)).toBeGreaterThan(0)
  }
})
