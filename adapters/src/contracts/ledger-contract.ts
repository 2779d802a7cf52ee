/** What every ledger must do, whatever it keeps its pools in. */
import type { Ledger } from '@headgate/domain/ports'
import { type Ask, type Claim, type Used, unsent, type Verdict } from '@headgate/domain/reservation'
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

/** The ledgers of one test, closed after it. */
export function closing(make: Open): Open {
  return async () => {
    const made = await make()
    onTestFinished(() => made.close())
    return made
  }
}

export function ledgerContract(name: string, open: Open): void {
  describe(`${name}: a ledger`, () => boundsOf(open))
  describe(`${name}: the refusals of a ledger`, () => refusalsOf(open))
  describe(`${name}: the calls of one turn`, () => turnsOf(open))
  describe(`${name}: the settlements of a ledger`, () => settlementsOf(open))
  describe(`${name}: a tree of limits`, () => treesOf(open))
}

function boundsOf(open: Open): void {
  test('a thousand concurrent calls never get more than the limit', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { limit: 400 })
    const startedMs = performance.now()
    const verdicts = await Promise.all(Array.from({ length: 1000 }, () => ledger.reserve(askFor([claim]))))
    const elapsedMs = performance.now() - startedMs
    const admitted = verdicts.filter((it) => it.admitted).length
    expect(admitted).toBeGreaterThanOrEqual(100)
    expect(admitted).toBeLessThanOrEqual(100 + Math.ceil((400 * elapsedMs) / 60_000))
  })

  test.each(['bucket', 'window', 'concurrent'] as const)('two gateways share one %s', async (kind) => {
    const { ledger, other } = await open()
    const claim = claimOn(newBucket(), { limit: kind === 'bucket' ? 40 : 10, kind })
    const startedMs = performance.now()
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, i) => (i % 2 ? ledger : other).reserve(askFor([claim]))),
    )
    const elapsedMs = performance.now() - startedMs
    const admitted = verdicts.filter((it) => it.admitted).length
    expect(admitted).toBeGreaterThanOrEqual(10)
    const flowsIn = kind === 'bucket' ? Math.ceil((40 * elapsedMs) / 60_000) : 0
    expect(admitted).toBeLessThanOrEqual(10 + flowsIn)
  })

  test('two hundred calls at once at the edge of ten admit exactly ten', async () => {
    const { ledger, other } = await open()
    const claim = claimOn(newBucket(), { kind: 'window', unit: 'tokens', limit: 1000, windowMs: 86_400_000 })
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, (_, i) => (i % 2 ? ledger : other).reserve(askFor([claim], 100))),
    )
    expect(verdicts.filter((it) => it.admitted)).toHaveLength(10)
  })
}

function refusalsOf(open: Open): void {
  test('a refused call takes nothing from any pool, whatever its kind', async () => {
    const { ledger } = await open()
    const roomy = claimOn(newBucket(), { limit: 400 })
    const window = claimOn(newBucket(), { kind: 'window', unit: 'tokens', limit: 1000 })
    const slots = claimOn(newBucket(), { kind: 'concurrent', unit: 'calls', limit: 3, windowMs: 0 })
    const shut = claimOn(newBucket(), { limit: 0 })
    for (let i = 0; i < 20; i++) {
      const verdict = await ledger.reserve(askFor([roomy, window, slots, shut], 700))
      expect(verdict).toMatchObject({ admitted: false, failed: 3, waitMs: null })
      expect(verdict.states.map((it) => it.remaining)).toEqual([100, 1000, 3, 0])
      expect(verdict.states[0]).toEqual({ remaining: 100, resetMs: 0 })
    }
  })

  test('a refusal names the first claim that failed and the longest wait of all', async () => {
    const { ledger } = await open()
    const quick = claimOn(newBucket(), { unit: 'tokens', limit: 600 })
    const slow = claimOn(newBucket(), { unit: 'tokens', limit: 599 })
    const roomy = claimOn(newBucket(), { limit: 60 })
    await ledger.reserve(askFor([quick], 150))
    await ledger.reserve(askFor([slow], 599))
    const verdict = await ledger.reserve(askFor([roomy, quick, slow], 150))
    expect(verdict).toMatchObject({ admitted: false, failed: 1 })
    if (verdict.admitted) return
    expect(verdict.waitMs).toBeGreaterThan(40_000)
    expect(verdict.waitMs).toBeLessThanOrEqual(60_000)
  })

  test('a call larger than the limit is told that waiting is no use', async () => {
    const { ledger } = await open()
    for (const kind of ['bucket', 'window'] as const) {
      const claim = claimOn(newBucket(), { kind, unit: 'tokens', limit: 100 })
      const verdict = await ledger.reserve(askFor([claim], 101))
      expect(verdict).toMatchObject({ admitted: false, failed: 0, waitMs: null })
    }
  })

  test('a call as large as the limit passes a full bucket, though it is more than the burst', async () => {
    const { ledger } = await open()
    const verdict = await ledger.reserve(askFor([claimOn(newBucket(), { unit: 'tokens', limit: 100 })], 100))
    expect(verdict.admitted).toBe(true)
    expect(verdict.states[0]?.remaining).toBe(0)
  })

  test('a call without claims is admitted', async () => {
    const { ledger } = await open()
    expect(await ledger.reserve(askFor([]))).toEqual({ admitted: true, states: [] })
  })
}

function turnsOf(open: Open): void {
  test('calls of many teams in one turn each get their own verdict', async () => {
    const { ledger } = await open()
    const asks = Array.from({ length: 300 }, (_, i) => {
      const team = newBucket()
      const tokens = claimOn(`${team}:t`, { unit: 'tokens', limit: 4000 })
      return askFor([tokens, claimOn(`${team}:r`, { limit: i % 3 === 0 ? 0 : 40 })], 1 + (i % 5))
    })
    const verdicts = await Promise.all(asks.map((ask) => ledger.reserve(ask)))
    for (const [i, verdict] of verdicts.entries()) {
      expect(verdict.admitted).toBe(i % 3 !== 0)
      const taken = verdict.admitted ? 1 + (i % 5) : 0
      expect(verdict.states[0]?.remaining).toBe(1000 - taken)
    }
  })

  test('a bucket named twice by one call is charged twice, or not at all', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { unit: 'tokens', limit: 40 })
    expect(await ledger.reserve(askFor([claim, claim], 6))).toMatchObject({ admitted: false, failed: 1 })
    expect((await ledger.reserve(askFor([claim], 1))).states[0]?.remaining).toBe(9)
  })

  test('a limit that changes between two calls holds from the next call on', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { unit: 'tokens', limit: 400 })
    const [before, after] = await Promise.all([
      ledger.reserve(askFor([claim], 100)),
      ledger.reserve(askFor([{ ...claim, limit: 4000 }], 100)),
    ])
    expect(before.admitted).toBe(true)
    expect(after).toMatchObject({ admitted: false, failed: 0 })
    expect((await ledger.reserve(askFor([{ ...claim, limit: 0 }], 1))).admitted).toBe(false)
  })
}

function settlementsOf(open: Open): void {
  test.each(['bucket', 'window'] as const)(
    'settling a %s replaces the estimate by the truth',
    async (kind) => {
      const { ledger } = await open()
      const claim = claimOn(newBucket(), { kind, unit: 'tokens', limit: 4000, windowMs: 6_000_000 })
      const [whole, first] = [kind === 'bucket' ? 1000 : 4000, askFor([claim], 1000)]
      const left = async () => (await ledger.look([claim]))[0]?.remaining
      expect((await ledger.reserve(first)).states[0]?.remaining).toBe(whole - 1000)
      ledger.settle(first, usedOf(400))
      await eventually(async () => (await left()) === whole - 400)
      const second = askFor([claim], 100)
      await ledger.reserve(second)
      ledger.settle(second, usedOf(300))
      await eventually(async () => (await left()) === whole - 700)
    },
  )

  test('a reservation has one end: what is told later changes nothing', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { kind: 'window', unit: 'tokens', limit: 4000 })
    const ask = askFor([claim], 1000)
    await ledger.reserve(ask)
    ledger.settle(ask, usedOf(10))
    for (let i = 0; i < 5; i++) ledger.settle(ask, i % 2 ? unsent : usedOf(3000))
    await eventually(async () => (await ledger.look([claim]))[0]?.remaining === 3990)
    await new Promise((done) => setTimeout(done, 30))
    expect((await ledger.look([claim]))[0]?.remaining).toBe(3990)
  })

  test('a call that never left gives everything back, requests too', async () => {
    const { ledger } = await open()
    const claims = [
      claimOn(newBucket(), { limit: 400 }),
      claimOn(newBucket(), { kind: 'window', unit: 'tokens', limit: 1000 }),
      claimOn(newBucket(), { kind: 'concurrent', unit: 'calls', limit: 3, windowMs: 0 }),
    ]
    const ask = askFor(claims, 900)
    await ledger.reserve(ask)
    ledger.settle(ask, unsent)
    await eventually(
      async () => String((await ledger.look(claims)).map((it) => it.remaining)) === '100,1000,3',
    )
  })

  test('a call holds one of the calls at once until it ends, and no longer', async () => {
    const { ledger, other } = await open()
    const claim = claimOn(newBucket(), { kind: 'concurrent', unit: 'calls', limit: 2, windowMs: 0 })
    const asks = [askFor([claim]), askFor([claim]), askFor([claim])] as const
    expect((await ledger.reserve(asks[0])).admitted).toBe(true)
    expect((await other.reserve(asks[1])).admitted).toBe(true)
    const refused = await ledger.reserve(asks[2])
    expect(refused).toMatchObject({ admitted: false, failed: 0, waitMs: 1000 })
    ledger.settle(asks[0], usedOf(5))
    await eventually(async () => (await other.reserve(askFor([claim]))).admitted)
  })

  test('what was held on a quota that did not serve comes back whole', async () => {
    const { ledger } = await open()
    const team = newBucket()
    const own = claimOn(`${team}:own`, { kind: 'window', unit: 'tokens', limit: 1000 })
    const failed = claimOn(`${team}:a`, { kind: 'window', unit: 'tokens', limit: 1000, quotaId: 'quo_a' })
    const served = claimOn(`${team}:b`, { kind: 'window', unit: 'tokens', limit: 1000, quotaId: 'quo_b' })
    const asks = [askFor([own, failed], 500), askFor([served], 500)]
    for (const ask of asks) expect((await ledger.reserve(ask)).admitted).toBe(true)
    for (const ask of asks) ledger.settle(ask, { sent: true, tokens: 120, quotaId: 'quo_b' })
    const left = async () => (await ledger.look([own, failed, served])).map((it) => it.remaining)
    await eventually(async () => String(await left()) === '880,1000,880')
  })

  test('a bucket is full again when its time has passed', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { unit: 'tokens', limit: 8, windowMs: 400 })
    expect((await ledger.reserve(askFor([claim], 2))).admitted).toBe(true)
    await eventually(async () => (await ledger.look([claim]))[0]?.remaining === 2)
  })

  test('a window lets through again what has left it, and says when', async () => {
    const { ledger } = await open()
    const claim = claimOn(newBucket(), { kind: 'window', limit: 2, windowMs: 600 })
    for (let i = 0; i < 2; i++) expect((await ledger.reserve(askFor([claim]))).admitted).toBe(true)
    const refused = await ledger.reserve(askFor([claim]))
    if (refused.admitted || refused.waitMs === null) throw new Error('it must wait')
    expect(refused.waitMs).toBeLessThanOrEqual(620)
    await new Promise((done) => setTimeout(done, Number(refused.waitMs) + 5))
    await eventually(async () => (await ledger.reserve(askFor([claim]))).admitted)
  })
}

function treesOf(open: Open): void {
  test('a parent that refuses leaves the child untouched, to the unit', async () => {
    const { ledger } = await open()
    const team = newBucket()
    const parent = claimOn(`${team}:parent`, { kind: 'window', unit: 'tokens', limit: 1000 })
    const children = [0.25, 0.3, 0.4, 0.6].map((share, i) =>
      claimOn(`${team}:child${i}`, { kind: 'window', unit: 'tokens', limit: 1000 * share }),
    )
    const verdicts = await Promise.all(
      Array.from({ length: 40 }, (_, i) => ledger.reserve(askFor([children[i % 4] as Claim, parent], 50))),
    )
    const admitted = [0, 1, 2, 3].map(
      (child) => verdicts.filter((it, i) => i % 4 === child && it.admitted).length,
    )
    expect(admitted.reduce((sum, it) => sum + it)).toBe(20)
    const states = await ledger.look([...children, parent])
    for (const [i, child] of children.entries())
      expect(states[i]?.remaining).toBe(child.limit - 50 * (admitted[i] as number))
    expect(states[4]?.remaining).toBe(0)
  })

  test('what is guaranteed to one is there for it, however hard the others try', async () => {
    const { ledger } = await open()
    const team = newBucket()
    const window = { kind: 'window', limit: 10 } as const
    const parent = claimOn(`${team}:parent`, window)
    const common = claimOn(`${team}:parent:common`, { ...window, limit: 6 })
    const guaranteed = claimOn(`${team}:parent:lim_a`, { ...window, limit: 4, instead: common })
    let others = 0
    for (let i = 0; i < 20; i++) if ((await ledger.reserve(askFor([parent, common]))).admitted) others += 1
    expect(others).toBe(6)
    let own = 0
    for (let i = 0; i < 20; i++) if ((await ledger.reserve(askFor([parent, guaranteed]))).admitted) own += 1
    expect(own).toBe(4)
  })

  test('who borrows goes beyond its share while the parent has room, and no further', async () => {
    const { ledger } = await open()
    const team = newBucket()
    const parent = claimOn(`${team}:parent`, { kind: 'window', limit: 10 })
    const child = claimOn(`${team}:child`, { kind: 'window', limit: 3, instead: 'nothing' })
    const verdicts: Verdict[] = []
    for (let i = 0; i < 12; i++) verdicts.push(await ledger.reserve(askFor([child, parent])))
    expect(verdicts.filter((it) => it.admitted)).toHaveLength(10)
    expect(verdicts.at(-1)).toMatchObject({ admitted: false, failed: 1 })
  })
}

export function newBucket(): string {
  return `{team_${crypto.randomUUID()}}`
}

export function claimOn(bucket: string, changes: Partial<Claim> = {}): Claim {
  return {
    bucket,
    kind: 'bucket',
    scope: { kind: 'key', name: 'nightly' },
    unit: 'requests',
    limit: 60,
    windowMs: 60_000,
    quotaId: null,
    instead: null,
    ...changes,
  }
}

export function askFor(claims: readonly Claim[], tokens = 1): Ask {
  return { id: `req_${crypto.randomUUID()}`, claims, tokens, tokensAtLeast: 1 }
}

export function usedOf(tokens: number): Used {
  return { sent: true, tokens, quotaId: null }
}
