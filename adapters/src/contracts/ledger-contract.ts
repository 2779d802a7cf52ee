/** What every ledger must do, whatever it keeps its buckets in. */
import type { Claim } from '@headgate/domain/limit'
import type { Ledger } from '@headgate/domain/ports'
import { describe, expect, onTestFinished, test } from 'vitest'
import { eventually } from './samples.ts'

export type LedgerUnderTest = {
  readonly ledger: Ledger
  /** Another gateway's ledger on the same store; the same one where nothing is shared. */
  readonly other: Ledger
  close(): Promise<void>
}

/** Makes the ledgers of one test, and closes them after it. */
type Open = () => Promise<LedgerUnderTest>

export function ledgerContract(name: string, make: () => Promise<LedgerUnderTest>): void {
  const open = async () => {
    const made = await make()
    onTestFinished(() => made.close())
    return made
  }
  describe(`${name}: a ledger`, () => boundsOf(open))
  describe(`${name}: the refusals of a ledger`, () => refusalsOf(open))
  describe(`${name}: the calls of one turn`, () => turnsOf(open))
  describe(`${name}: the settlements of a ledger`, () => settlementsOf(open))
}

function boundsOf(open: Open): void {
  test('a thousand concurrent calls never get more than the limit', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { limit: 400 })
    const startedMs = performance.now()
    const verdicts = await Promise.all(Array.from({ length: 1000 }, () => ledger.reserve([claim])))
    const elapsedMs = performance.now() - startedMs
    const admitted = verdicts.filter((it) => it.admitted).length
    expect(admitted).toBeGreaterThanOrEqual(100)
    expect(admitted).toBeLessThanOrEqual(100 + Math.ceil((400 * elapsedMs) / 60_000))
  })

  test('two gateways share one limit', async () => {
    const { ledger, other } = await open()
    const claim = claimOn(newBucket(), { limit: 40 })
    const startedMs = performance.now()
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, i) => (i % 2 ? ledger : other).reserve([claim])),
    )
    const elapsedMs = performance.now() - startedMs
    const admitted = verdicts.filter((it) => it.admitted).length
    expect(admitted).toBeGreaterThanOrEqual(10)
    expect(admitted).toBeLessThanOrEqual(10 + Math.ceil((40 * elapsedMs) / 60_000))
  })
}

function refusalsOf(open: Open): void {
  test('a refused call takes nothing from any bucket', async () => {
    const { ledger } = await open()
    const roomy = claimOn(newBucket(), { limit: 400 })
    const shut = claimOn(newBucket(), { limit: 0 })
    for (let i = 0; i < 20; i++) {
      const verdict = await ledger.reserve([roomy, shut])
      expect(verdict).toMatchObject({ admitted: false, failed: 1, waitMs: null })
      expect(verdict.states[0]).toEqual({ remaining: 100, resetMs: 0 })
    }
  })

  test('a refusal names the first claim that failed and the longest wait of all', async () => {
    const { ledger } = await open()
    const quick = claimOn(newBucket(), { limit: 600, amount: 150 })
    const slow = claimOn(newBucket(), { limit: 60, amount: 15 })
    const roomy = claimOn(newBucket(), { limit: 60 })
    await ledger.reserve([quick, slow])
    const verdict = await ledger.reserve([roomy, quick, slow])
    expect(verdict).toMatchObject({ admitted: false, failed: 1 })
    if (verdict.admitted) return
    expect(verdict.waitMs).toBeGreaterThan(5_000)
    expect(verdict.waitMs).toBeLessThanOrEqual(15_000)
  })

  test('a call larger than the limit is told that waiting is no use', async () => {
    const { ledger } = await open()
    const verdict = await ledger.reserve([claimOn(newBucket(), { limit: 100, amount: 101 })])
    expect(verdict).toMatchObject({ admitted: false, failed: 0, waitMs: null })
  })

  test('a call as large as the limit passes a full bucket, though it is more than the burst', async () => {
    const { ledger } = await open()
    const verdict = await ledger.reserve([claimOn(newBucket(), { limit: 100, amount: 100 })])
    expect(verdict.admitted).toBe(true)
    expect(verdict.states[0]?.remaining).toBe(0)
  })

  test('a call without claims is admitted', async () => {
    const { ledger } = await open()
    expect(await ledger.reserve([])).toEqual({ admitted: true, states: [] })
  })
}

function turnsOf(open: Open): void {
  test('calls of many teams in one turn each get their own verdict', async () => {
    const { ledger } = await open()
    const calls = Array.from({ length: 300 }, (_, i) => [
      claimOn(`{team_${i % 7}}:${newBucket()}`, { limit: 4000, amount: 1 + (i % 5) }),
      claimOn(`{team_${i % 7}}:${newBucket()}`, { limit: i % 3 === 0 ? 0 : 40 }),
    ])
    const verdicts = await Promise.all(calls.map((claims) => ledger.reserve(claims)))
    for (const [i, verdict] of verdicts.entries()) {
      expect(verdict.admitted).toBe(i % 3 !== 0)
      const taken = verdict.admitted ? 1 + (i % 5) : 0
      expect(verdict.states[0]?.remaining).toBe(1000 - taken)
    }
  })

  test('a bucket named twice by one call is charged twice, or not at all', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { limit: 40, amount: 6 })
    expect(await ledger.reserve([claim, claim])).toMatchObject({ admitted: false, failed: 1 })
    expect((await ledger.reserve([{ ...claim, amount: 1 }])).states[0]?.remaining).toBe(9)
  })

  test('a limit that changes between two calls holds from the next call on', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { limit: 400, amount: 100 })
    const [before, after] = await Promise.all([
      ledger.reserve([claim]),
      ledger.reserve([{ ...claim, limit: 4000 }]),
    ])
    expect(before.admitted).toBe(true)
    expect(after).toMatchObject({ admitted: false, failed: 0 })
    expect((await ledger.reserve([{ ...claim, limit: 0, amount: 1 }])).admitted).toBe(false)
  })
}

function settlementsOf(open: Open): void {
  test('settling gives back what was not used, and charges what was used beyond the claim', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { limit: 4000, amount: 1000, windowMs: 6_000_000 })
    const probe = async () =>
      (await ledger.reserve([{ ...claim, limit: 4000, amount: 0 }])).states[0]?.remaining
    expect((await ledger.reserve([claim])).states[0]?.remaining).toBe(0)
    ledger.settle([{ ...claim, delta: -600 }])
    await eventually(async () => (await probe()) === 600)
    ledger.settle([{ ...claim, delta: 200 }])
    await eventually(async () => (await probe()) === 400)
  })

  test('giving back more than was taken leaves a full bucket and no more', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { limit: 4000, amount: 500, windowMs: 6_000_000 })
    await ledger.reserve([claim])
    ledger.settle([{ ...claim, delta: -90_000 }])
    await eventually(
      async () => (await ledger.reserve([{ ...claim, amount: 0 }])).states[0]?.remaining === 1000,
    )
    expect((await ledger.reserve([{ ...claim, amount: 1001 }])).states[0]?.remaining).toBe(0)
  })

  test('a bucket is full again when its time has passed', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { limit: 8, amount: 2, windowMs: 400 })
    expect((await ledger.reserve([claim])).admitted).toBe(true)
    await eventually(async () => (await ledger.reserve([{ ...claim, amount: 0 }])).states[0]?.remaining === 2)
  })
}

export function newBucket(): string {
  return `{team}:${crypto.randomUUID()}`
}

export function claimOn(bucket: string, changes: Partial<Claim> = {}): Claim {
  return {
    bucket,
    scope: { kind: 'key', name: 'nightly' },
    unit: 'requests',
    limit: 60,
    windowMs: 60_000,
    amount: 1,
    ...changes,
  }
}
