/**
 * A Redis that is frozen under load: every call is decided within its deadline, on a share of the limit, and none
 * of what was let through is lost from the books. Times are measured and asserted with much room, since machines
 * that run tests are busy.
 */
import { capacityOf } from '@headgate/domain/bucket'
import type { Claim } from '@headgate/domain/reservation'
import { expect, onTestFinished, test } from 'vitest'
import { ownRedis } from '../../../tests/servers/own-server.ts'
import { rounds } from '../../../tests/servers/rounds.ts'
import { askFor, claimOn, newBucket, usedOf } from '../contracts/ledger-contract.ts'
import { eventually } from '../contracts/samples.ts'
import { connectRedis } from './client.ts'
import { redisLedger } from './ledger.ts'
import { ledgerWithFallback } from './ledger-with-fallback.ts'

const GATEWAYS = 2
const LIMIT = 150
const WINDOW_MS = 1_500
/** All gateways together, of each limit. */
const OVERLOAD = 5
const TICK_MS = 5

type Decision = {
  readonly atMs: number
  readonly tookMs: number
  readonly claim: Claim
  readonly admitted: boolean
  readonly shared: boolean
}

/** A gateway's ledger as a main.ts puts it together, with its log. */
async function gateway(url: string) {
  const lines: string[] = []
  const log = (level: string, message: string) => void (level !== 'debug' && lines.push(message))
  const client = await connectRedis(url, { log, connectWaitMs: 5_000 })
  const shared = redisLedger(client, { log })
  const ledger = ledgerWithFallback({
    shared,
    clock: { monotonicMs: () => performance.now() },
    expectedInstances: GATEWAYS,
    onChange: (state) => log('warn', `limits are now judged ${state}`),
  })
  onTestFinished(async () => {
    shared.close()
    await client.close()
  })
  return { client, ledger, lines }
}

type Gateway = Awaited<ReturnType<typeof gateway>>

/** Asks at a steady pace until told to stop, and settles what was admitted at once. */
function startLoad(gateways: readonly Gateway[], claims: readonly Claim[]) {
  const decisions: Decision[] = []
  const perTick = (OVERLOAD * LIMIT * TICK_MS) / WINDOW_MS / GATEWAYS
  const under: Promise<void>[] = []
  let due = 0
  const decide = async ({ ledger }: Gateway, claim: Claim) => {
    const ask = askFor([claim])
    const askedMs = performance.now()
    const { admitted } = await ledger.reserve(ask)
    const atMs = performance.now()
    decisions.push({ atMs, tookMs: atMs - askedMs, claim, admitted, shared: ledger.state() === 'shared' })
    if (admitted) ledger.settle(ask, usedOf(1))
  }
  const timer = setInterval(() => {
    for (due += perTick; due >= 1; due--)
      for (const it of gateways) for (const claim of claims) under.push(decide(it, claim))
  }, TICK_MS)
  const stop = async () => {
    clearInterval(timer)
    await Promise.all(under)
  }
  onTestFinished(stop)
  return { decisions, stop }
}

/** The most calls that were surely admitted within one stretch of a window's length: asked and answered in it. */
function worstStretch(calls: readonly Decision[]): number {
  const spans = calls.map((it) => ({ fromMs: it.atMs - it.tookMs, toMs: it.atMs }))
  spans.sort((a, b) => a.fromMs - b.fromMs)
  let most = 0
  for (const [first, { fromMs }] of spans.entries()) {
    let count = 0
    for (let i = first; i < spans.length; i++) {
      const span = spans[i] as (typeof spans)[number]
      if (span.fromMs >= fromMs + WINDOW_MS) break
      if (span.toMs < fromMs + WINDOW_MS) count += 1
    }
    most = Math.max(most, count)
  }
  return most
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

test('a Redis frozen under load delays no call beyond its deadline, and the bound holds', async () => {
  const server = await ownRedis()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const gateways = [await gateway(server.current.url), await gateway(server.current.url)]
  const claims = (['window', 'bucket'] as const).map((kind) =>
    claimOn(newBucket(), { kind, limit: LIMIT, windowMs: WINDOW_MS }),
  )
  const load = startLoad(gateways, claims)
  await pause(1_000)
  const before = gateways.map(({ lines }) => lines.length)
  const { pid } = server.current
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(pid, 'SIGCONT'))
  const frozenMs = performance.now()
  await pause(rounds(3) * 1_000)
  const thawedMs = performance.now()
  process.kill(pid, 'SIGCONT')
  const told = gateways.map(({ lines }, i) => lines.length - (before[i] ?? 0))
  await eventually(() => gateways.every(({ ledger }) => ledger.state() === 'shared'), 20_000)
  const backMs = performance.now() - thawedMs
  await load.stop()

  const during = load.decisions.filter((it) => it.atMs >= frozenMs && it.atMs <= thawedMs)
  const took = during.map((it) => it.tookMs)
  const firstGood = during.find((it) => it.admitted && !it.shared)
  const worst = claims.map((claim) =>
    worstStretch(load.decisions.filter((it) => it.admitted && it.claim === claim)),
  )
  expect(during.length).toBeGreaterThan(100)
  expect(Math.max(...took)).toBeLessThan(500)
  expect((firstGood?.atMs ?? Number.POSITIVE_INFINITY) - frozenMs).toBeLessThan(1_000)
  expect(backMs).toBeLessThan(5_000)
  const [ofWindow, ofBucket] = worst as [number, number]
  expect(ofWindow).toBeLessThanOrEqual(LIMIT + 0.82 * LIMIT)
  expect(ofBucket).toBeLessThanOrEqual(capacityOf(LIMIT) + LIMIT + 0.82 * LIMIT)
  expect(Math.max(...told)).toBeLessThanOrEqual(2)
})
