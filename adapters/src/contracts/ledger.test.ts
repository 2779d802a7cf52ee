/** The ledger contract on memory and on a real Redis, and both against the oracle on random sequences. */
import type { Claim, Correction } from '@headgate/domain/limit'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { rounds } from '../../../tests/servers/rounds.ts'
import { memoryLedger } from '../memory/ledger.ts'
import { connectRedis } from '../redis/client.ts'
import { redisLedger } from '../redis/ledger.ts'
import { readVerdict, replyTimeMs, specTable, writeClaims, writeCorrection } from '../redis/ledger-batch.ts'
import { readScript, runScript } from '../redis/script.ts'
import { claimOn, ledgerContract } from './ledger-contract.ts'
import { oracleReserve, oracleSettle, type Tats } from './oracle.ts'

const log = () => {}
/** Long, because other tests use the machine at the same time and what is tested here is not haste. */
const deadlineMs = 10_000

ledgerContract('memory', async () => {
  const ledger = memoryLedger({ monotonicMs: () => performance.now() })
  return { ledger, other: ledger, close: async () => {} }
})

ledgerContract('redis', async () => {
  const url = await freshRedisUrl()
  const clients = [await connectRedis(url, { log }), await connectRedis(url, { log })] as const
  const ledger = redisLedger(clients[0], { log, deadlineMs })
  const other = redisLedger(clients[1], { log, deadlineMs })
  return {
    ledger,
    other,
    close: async () => {
      ledger.close()
      other.close()
      await Promise.all(clients.map((client) => client.close()))
    },
  }
})

type Step = { calls: Claim[][]; corrections: Correction[]; waitMs: number }

/** Few buckets and small limits, so that refusals, debts and changed limits all come up. */
const anyClaim: fc.Arbitrary<Claim> = fc
  .record({
    bucket: fc.constantFrom('{t}:a', '{t}:b', '{t}:c'),
    limit: fc.constantFrom(0, 1, 7, 60, 1000, 10_000_000),
    windowMs: fc.constantFrom(50, 1000, 60_000),
    amount: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 12_000_000 })),
  })
  .map(({ bucket, ...rest }) => claimOn(bucket, rest))
const anyCorrection = fc
  .tuple(anyClaim, fc.integer({ min: -2_000, max: 2_000 }))
  .filter(([claim]) => claim.limit > 0)
  .map(([claim, delta]): Correction => ({ ...claim, delta }))
const anyStep: fc.Arbitrary<Step> = fc.record({
  calls: fc.array(fc.array(anyClaim, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
  corrections: fc.array(anyCorrection, { maxLength: 3 }),
  waitMs: fc.constantFrom(0, 0, 0, 3, 40),
})

test('memory: verdicts are those of the oracle for any sequence', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 8 }), async (steps) => {
      let nowMs = 1_000_000
      let tats: Tats = new Map()
      const ledger = memoryLedger({ monotonicMs: () => nowMs })
      for (const step of steps) {
        nowMs += step.waitMs * 100
        for (const claims of step.calls) {
          const [expected, after] = oracleReserve(tats, claims, nowMs)
          tats = after
          expect(await ledger.reserve(claims)).toEqual(expected)
        }
        ledger.settle(step.corrections)
        tats = oracleSettle(tats, step.corrections, nowMs)
      }
    }),
    { numRuns: rounds(100) },
  )
})

test('redis: verdicts are those of the oracle for any sequence, at the server time of each', async () => {
  const client = await connectRedis(await freshRedisUrl(), { log })
  onTestFinished(() => client.close())
  const [reserve, settle] = [readScript('reserve'), readScript('settle')]
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 8 }), async (steps) => {
      const prefix = `round${++round}:`
      let tats: Tats = new Map()
      for (const step of steps) {
        await new Promise((done) => setTimeout(done, step.waitMs))
        const table = specTable()
        const args: string[] = []
        for (const claims of step.calls) writeClaims(args, table, prefix, claims)
        const sent = { keys: table.keys, args: [...table.numbers, ...args] }
        const reply = (await runScript(client, reserve, sent)) as number[]
        let at = 1
        for (const claims of step.calls) {
          const [expected, after] = oracleReserve(tats, claims, replyTimeMs(reply))
          tats = after
          expect(readVerdict(reply, at, claims.length)).toEqual(expected)
          at += 2 + 2 * claims.length
        }
        tats = await settleBoth(step.corrections, prefix, tats)
      }
    }),
    { numRuns: rounds(60) },
  )

  async function settleBoth(corrections: Correction[], prefix: string, tats: Tats): Promise<Tats> {
    if (corrections.length === 0) return tats
    const table = specTable()
    const args: string[] = []
    for (const it of corrections) writeCorrection(args, table, prefix, it)
    const micros = await runScript(client, settle, { keys: table.keys, args: [...table.numbers, ...args] })
    return oracleSettle(tats, corrections, replyTimeMs([micros as number]))
  }
})
