/**
 * A re-rating prices the calls of a past window again, by the prices as they are written down now. It is an act
 * of a person, with a reason. Records stay as they were: what differs is added beside them, as corrections.
 */
import { z } from 'zod'
import type { Cost } from './cost.ts'
import { idOf } from './id.ts'
import { Currency } from './price.ts'
import type { UsageRecord } from './usage-record.ts'

const Instant = z.iso.datetime({ offset: true })
const Calls = z.int().min(0)

/** Nanos as text with a sign: a sum may be more than a JSON number holds. */
const Difference = z.object({ currency: Currency, nanos: z.string().regex(/^-?[0-9]+$/) })

export const Rerating = z.object({
  id: idOf('rrt'),
  /** Included, and not included: when the calls began. */
  from: Instant,
  to: Instant,
  reason: z.string().min(1).max(500),
  /** Calls looked at, and of these the ones whose cost is another now. */
  records: Calls,
  corrected: Calls,
  /** Of the corrected ones those that had no cost before. */
  newlyPriced: Calls,
  /** Those that have no price still. */
  stillUnknown: Calls,
  /** What the corrections come to. */
  differences: z.array(Difference),
  createdAt: Instant,
})
export type Rerating = z.infer<typeof Rerating>

/** A call, as far as corrections name it. */
type CorrectedCall = Pick<
  UsageRecord,
  | 'requestId'
  | 'attempt'
  | 'startedAt'
  | 'keyId'
  | 'userId'
  | 'appId'
  | 'teamId'
  | 'endpoint'
  | 'alias'
  | 'deploymentId'
  | 'outcome'
>

/** What is added to the cost of one call. */
export type CostCorrection = CorrectedCall & {
  readonly priceId: string | null
  readonly agreementId: string | null
  readonly currency: string
  /** May be negative. */
  readonly nanos: number
  /** True where the call had no cost at all before. */
  readonly newlyPriced: boolean
}

/** What a call costs so far in one currency: its record, and the corrections since. */
export type CostSoFar = { readonly currency: string; readonly nanos: number }

/**
 * The corrections that bring a call from what it costs so far to what it costs now: none when nothing differs or
 * when its cost is unknown now, for nothing is taken back because a price is missing.
 */
export function correctionsOf(call: CorrectedCall, soFar: readonly CostSoFar[], now: Cost): CostCorrection[] {
  const { costNanos, currency, priceId, agreementId } = now
  if (costNanos === null || currency === null) return []
  const newlyPriced = soFar.length === 0
  const due = new Map<string, number>([[currency, costNanos]])
  for (const it of soFar) due.set(it.currency, (due.get(it.currency) ?? 0) - it.nanos)
  const { requestId, attempt, startedAt, keyId, userId, appId, teamId } = call
  const { endpoint, alias, deploymentId, outcome } = call
  return [...due]
    .filter(([of, nanos]) => nanos !== 0 || (newlyPriced && of === currency))
    .map(([of, nanos]) => ({
      ...{
        requestId,
        attempt,
        startedAt,
        keyId,
        userId,
        appId,
        teamId,
        endpoint,
        alias,
        deploymentId,
        outcome,
      },
      ...{ currency: of, nanos, newlyPriced, priceId, agreementId },
    }))
}

/**
 * A record with its cost as it is rated now.
 * @param added what re-ratings added to it, one sum for each currency
 */
export function correctedRecord(record: UsageRecord, added: readonly CostSoFar[]): UsageRecord {
  const [latest] = added
  if (latest === undefined) return record
  const due = new Map<string, number>()
  if (record.costNanos !== null && record.currency !== null) due.set(record.currency, record.costNanos)
  for (const { currency, nanos } of added) due.set(currency, (due.get(currency) ?? 0) + nanos)
  // Whoever rates anew in another currency takes all of the first one back.
  const [currency, costNanos] = [...due].find(([, nanos]) => nanos !== 0) ?? [latest.currency, 0]
  return { ...record, costNanos, currency, costState: 'priced' }
}
