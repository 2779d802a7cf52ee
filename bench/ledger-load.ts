/**
 * One gateway's worth of reservations, in a process of its own: calls at a steady pace, each reserved on four limits
 * and settled when it is admitted. Tells what that cost; with no URL it does the same without a ledger, so that
 * the difference is the ledger's.
 */
import { writeSync } from 'node:fs'
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisLedger } from '@headgate/adapters/redis/ledger'
import { idSource } from '@headgate/domain/id'
import type { Ledger } from '@headgate/domain/ports'
import type { Claim } from '@headgate/domain/reservation'
import { type Histogram, openHistogram, type Quantiles } from './histogram.ts'

export type LedgerLoadPlan = {
  readonly url: string | null
  readonly callsPerSecond: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export type LedgerLoadResult = {
  readonly calls: number
  /** Refused, or not judged in time. */
  readonly failed: number
  readonly cpuUs: number
  readonly seconds: number
  /** How long reservations took. */
  readonly waits: Quantiles
}

const TEAM = '{team_bench}'
const LIMIT = 1_000_000_000
const claim = (name: string, unit: 'requests' | 'tokens'): Claim => ({
  ...{ bucket: `${TEAM}:${name}`, kind: 'bucket', unit, limit: LIMIT, windowMs: 60_000 },
  ...{ scope: { kind: 'key', name }, quotaId: null, instead: null },
})
/** As a key with both figures, a limit of its team, and one of its app have it. */
const CLAIMS = [
  claim('key-requests', 'requests'),
  claim('key-tokens', 'tokens'),
  claim('app-tokens', 'tokens'),
  claim('team-tokens', 'tokens'),
]
const USED = { sent: true, tokens: 400, quotaId: null } as const
const ADMITTED = Promise.resolve({ admitted: true as const, states: [] })
const noLedger: Pick<Ledger, 'reserve' | 'settle'> = { reserve: () => ADMITTED, settle: () => {} }

type Tally = { calls: number; failed: number; readonly waits: Histogram }

async function load(plan: LedgerLoadPlan): Promise<LedgerLoadResult> {
  if (plan.url === null) return measured(noLedger, plan)
  const client = await connectRedis(plan.url, { log: () => {}, connectWaitMs: 10_000 })
  const ledger = redisLedger(client, { log: () => {}, deadlineMs: 1_000 })
  const result = await measured(ledger, plan)
  ledger.close()
  await client.close()
  return result
}

async function measured(ledger: typeof noLedger, plan: LedgerLoadPlan): Promise<LedgerLoadResult> {
  await paced(ledger, plan.callsPerSecond, plan.warmUpSeconds)
  const [cpu, fromMs] = [process.cpuUsage(), performance.now()]
  const { calls, failed, waits } = await paced(ledger, plan.callsPerSecond, plan.seconds)
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - fromMs) / 1000
  return { calls, failed, cpuUs: user + system, seconds, waits: waits.quantiles() }
}

async function paced(ledger: typeof noLedger, callsPerSecond: number, seconds: number): Promise<Tally> {
  const newId = idSource()
  const tally: Tally = { calls: 0, failed: 0, waits: openHistogram() }
  const call = async (): Promise<void> => {
    const ask = { id: newId('req', Date.now()), claims: CLAIMS, tokens: 800, tokensAtLeast: 300 }
    const askedMs = performance.now()
    const verdict = await ledger.reserve(ask).catch(() => null)
    tally.waits.add((performance.now() - askedMs) * 1e6)
    if (verdict?.admitted) ledger.settle(ask, USED)
    else tally.failed += 1
  }
  const calls: Promise<void>[] = []
  const fromMs = performance.now()
  for (let nowMs = fromMs; nowMs < fromMs + seconds * 1000; nowMs = performance.now()) {
    const due = ((nowMs - fromMs) / 1000) * callsPerSecond
    for (; tally.calls < due; tally.calls++) calls.push(call())
    await new Promise((done) => setTimeout(done, 1))
  }
  await Promise.all(calls)
  return tally
}

writeSync(1, `${JSON.stringify(await load(JSON.parse(process.argv[2] ?? '')))}\n`)
