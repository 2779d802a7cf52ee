/** What every ledger must do with budgets: hold them to the nano, and let nothing pass that it does not know. */
import type { Ledger } from '@headgate/domain/ports'
import { type Ask, type Claim, UNBOUNDED, UNKNOWN_MS } from '@headgate/domain/reservation'
import { describe, expect, test } from 'vitest'
import { askFor, claimOn, type LedgerUnderTest, newBucket } from './ledger-contract.ts'
import { eventually } from './samples.ts'

const DAY_MS = 86_400_000
const DOLLAR = 1_000_000_000

/** @param open makes the ledgers of one test */
export function spendContract(name: string, open: () => Promise<LedgerUnderTest>): void {
  describe(`${name}: a budget`, () => testsOf(open))
}

function testsOf(open: () => Promise<LedgerUnderTest>): void {
  test('two hundred calls at once at the edge of ten admit exactly ten, over two gateways', async () => {
    const { ledger, other } = await open()
    const claim = await knownBudget(ledger, 9 * DOLLAR + 50)
    ledger.settle(await admitted(ledger, paidAsk([claim], 8 * DOLLAR)), paid(8 * DOLLAR + 50))
    await eventually(async () => (await spentOf(ledger, claim)) === 8 * DOLLAR + 50)
    const cost = DOLLAR / 10
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, (_, i) => (i % 2 ? ledger : other).reserve(paidAsk([claim], cost))),
    )
    expect(verdicts.filter((it) => it.admitted)).toHaveLength(10)
    expect(verdicts.find((it) => !it.admitted)).toMatchObject({ failed: 0, waitMs: null })
    expect(await spentOf(ledger, claim)).toBe(9 * DOLLAR + 50)
  })

  test('what a call cost beyond its estimate is recorded in full, and nothing that costs passes after it', async () => {
    const { ledger } = await open()
    const claim = await knownBudget(ledger, 1_000)
    ledger.settle(await admitted(ledger, paidAsk([claim], 900)), paid(1_700))
    await eventually(async () => (await spentOf(ledger, claim)) === 1_700)
    expect((await ledger.look([claim]))[0]).toEqual({ remaining: -700, resetMs: 0, held: 0 })
    expect((await ledger.reserve(paidAsk([claim], 1))).admitted).toBe(false)
    expect((await ledger.reserve(paidAsk([claim], 0))).admitted).toBe(true)
  })

  test('a call that a wider budget refuses leaves the narrower ones untouched, to the nano', async () => {
    const { ledger } = await open()
    const team = newBucket()
    const [key, app, wide] = [5_000, 3_000, 1_000].map((limit, i) => budgetOn(`${team}:bud_${i}`, limit))
    const claims = [key, app, wide] as Claim[]
    await ledger.restore(team.slice(1, -1), [])
    const verdicts = await Promise.all(Array.from({ length: 30 }, () => ledger.reserve(paidAsk(claims, 70))))
    expect(verdicts.filter((it) => it.admitted)).toHaveLength(14)
    expect(verdicts.find((it) => !it.admitted)).toMatchObject({ failed: 2 })
    expect((await ledger.look(claims)).map((it) => it.remaining)).toEqual([4_020, 2_020, 20])
  })

  test('a soft budget refuses nobody and sums up all the same', async () => {
    const { ledger } = await open()
    const claim = await knownBudget(ledger, UNBOUNDED)
    for (const cost of [500, 700]) ledger.settle(await admitted(ledger, paidAsk([claim], 1)), paid(cost))
    await eventually(async () => (await spentOf(ledger, claim)) === 1_200)
  })

  test('until it is told what was spent, nothing passes a hard budget; soft ones are counted meanwhile', async () => {
    const { ledger, other } = await open()
    const team = newBucket()
    const [hard, soft] = [budgetOn(`${team}:hard`, 1_000), budgetOn(`${team}:soft`, UNBOUNDED)]
    const refused = await ledger.reserve(paidAsk([hard, soft], 10))
    expect(refused).toMatchObject({ admitted: false, failed: 0, waitMs: 5_000 })
    expect(refused.states.map((it) => it.resetMs)).toEqual([UNKNOWN_MS, UNKNOWN_MS])
    expect((await ledger.reserve(paidAsk([soft], 10))).admitted).toBe(true)
    await other.restore(team.slice(1, -1), [
      { pool: hard, amount: 995 },
      { pool: soft, amount: 400 },
    ])
    expect(await ledger.look([hard, soft])).toMatchObject([
      { remaining: 5, resetMs: 0 },
      { remaining: UNBOUNDED - 410, resetMs: 0 },
    ])
    expect((await ledger.reserve(paidAsk([hard], 6))).admitted).toBe(false)
    expect((await ledger.reserve(paidAsk([hard], 5))).admitted).toBe(true)
  })

  test('a new period begins at zero, and a late end lands in the one its call was admitted in', async () => {
    const { ledger } = await open()
    const november = await knownBudget(ledger, 1_000)
    const december = { ...november, bucket: `${november.bucket}:2026-12-01` }
    const late = await admitted(ledger, paidAsk([november], 900))
    expect((await ledger.reserve(paidAsk([december], 1_000))).admitted).toBe(true)
    ledger.settle(late, paid(950))
    ledger.settle(late, paid(950))
    await eventually(async () => (await spentOf(ledger, november)) === 950)
    expect(await spentOf(ledger, december)).toBe(1_000)
  })

  test('what calls under way hold is told apart from what was spent', async () => {
    const { ledger } = await open()
    const claim = await knownBudget(ledger, 1_000)
    const ask = await admitted(ledger, paidAsk([claim], 300))
    expect((await ledger.look([claim], teamOf(claim)))[0]).toMatchObject({ remaining: 700, held: 300 })
    ledger.settle(ask, paid(100))
    await eventually(async () => (await ledger.look([claim], teamOf(claim)))[0]?.held === 0)
    expect(await spentOf(ledger, claim)).toBe(100)
  })

  test('a call that never left costs nothing', async () => {
    const { ledger } = await open()
    const claim = await knownBudget(ledger, 1_000)
    ledger.settle(await admitted(ledger, paidAsk([claim], 300)), { sent: false, tokens: 0, quotaId: null })
    await eventually(async () => (await spentOf(ledger, claim)) === 0)
  })
}

function budgetOn(bucket: string, limit: number): Claim {
  return claimOn(bucket, { kind: 'spend', unit: 'nanos', limit, windowMs: DAY_MS })
}

/** A budget of a team whose spending is known to be nothing. */
async function knownBudget(ledger: Ledger, limit: number): Promise<Claim> {
  const team = newBucket()
  await ledger.restore(team.slice(1, -1), [])
  return budgetOn(`${team}:bud_x`, limit)
}

function paidAsk(claims: readonly Claim[], nanos: number): Ask {
  return { ...askFor(claims), nanos, nanosAtLeast: 1 }
}

function paid(nanos: number) {
  return { sent: true, tokens: 1, quotaId: null, nanos }
}

async function admitted(ledger: Ledger, ask: Ask): Promise<Ask> {
  expect((await ledger.reserve(ask)).admitted).toBe(true)
  return ask
}

async function spentOf(ledger: Ledger, claim: Claim): Promise<number> {
  const [state] = await ledger.look([claim])
  return claim.limit - (state?.remaining ?? 0)
}

function teamOf({ bucket }: Claim): string[] {
  return [bucket.slice(1, bucket.indexOf('}'))]
}
