/** What a record and its corrections come to is the cost that the call was last rated with. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { usageRecord } from '../../tests/admin/usage-record.ts'
import { type CostSoFar, correctedRecord, correctionsOf } from './rerating.ts'

const cost = fc.record({
  costNanos: fc.option(fc.nat(1_000_000)),
  currency: fc.constantFrom('USD', 'EUR', 'GBP'),
})
type Drawn = { readonly costNanos: number | null; readonly currency: string }

const rated = ({ costNanos, currency }: Drawn) => ({
  ...{ costNanos, priceId: null, agreementId: null },
  currency: costNanos === null ? null : currency,
  costState: costNanos === null ? ('unknown' as const) : ('priced' as const),
})

test('a call that is rated again and again is told with the latest cost that was known', () => {
  fc.assert(
    fc.property(cost, fc.array(cost, { maxLength: 5 }), (first, later) => {
      const record = usageRecord(1, rated(first))
      let latest: Drawn | null = first.costNanos === null ? null : first
      const added: CostSoFar[] = []
      for (const now of later) {
        const soFar = sumsOf(
          latest === null ? added : [...added, ...(first.costNanos === null ? [] : [recorded(first)])],
        )
        added.push(
          ...correctionsOf(record, soFar, rated(now)).map(({ currency, nanos }) => ({ currency, nanos })),
        )
        if (now.costNanos !== null) latest = now
        const told = correctedRecord(record, sumsOf(added))
        expect(told.costNanos).toBe(latest?.costNanos ?? null)
        if (told.costNanos !== null && told.costNanos !== 0) expect(told.currency).toBe(latest?.currency)
        expect(told.costState).toBe(latest === null ? 'unknown' : 'priced')
      }
    }),
  )
})

const recorded = ({ currency, costNanos }: Drawn): CostSoFar => ({ currency, nanos: costNanos ?? 0 })

/** One sum for each currency, as the database gives them. */
function sumsOf(all: readonly CostSoFar[]): CostSoFar[] {
  const sums = new Map<string, number>()
  for (const { currency, nanos } of all) sums.set(currency, (sums.get(currency) ?? 0) + nanos)
  return [...sums].map(([currency, nanos]) => ({ currency, nanos }))
}
