/**
 * A sink entry is one thing that a sink is given: a usage record, or what a re-rating added to the cost of one. It
 * never changes, and its id is made of what it is, so that writing it again is the same as having written it once.
 */
import { z } from 'zod'
import { nanosText } from './cost.ts'
import type { CostCorrection } from './rerating.ts'
import type { UsageRecord } from './usage-record.ts'

export type SinkEntry =
  | { readonly kind: 'record'; readonly record: UsageRecord }
  | { readonly kind: 'correction'; readonly correction: CostCorrection & { readonly reratingId: string } }

/** What no sink will ever take, and why. */
export type RefusedEntry = { readonly id: string; readonly reason: string }

/** The same for the same entry, for ever, and for no other. */
export function entryId(entry: SinkEntry): string {
  if (entry.kind === 'record') return `${entry.record.requestId}-${entry.record.attempt}`
  const { requestId, attempt, reratingId, currency } = entry.correction
  return `${requestId}-${attempt}-${reratingId}-${currency}`
}

const ENTRY_ID = /^([a-z]+_[^-\s]{1,60})-(\d{1,9})(?:-([a-z]+_[^-\s]{1,60})-([A-Z]{3}))?$/

export const SinkEntryId = z
  .string()
  .regex(ENTRY_ID, 'expected the id of an entry, as `req_…-1`, or `req_…-1-rrt_…-EUR` for a correction')

/** What an id tells of its entry. */
export type EntryName = {
  readonly kind: SinkEntry['kind']
  readonly requestId: string
  readonly attempt: number
}

/** The other way round of `entryId`; null for what is no such id. */
export function entryNamed(id: string): EntryName | null {
  const [, requestId, attempt, reratingId] = ENTRY_ID.exec(id) ?? []
  if (requestId === undefined) return null
  return { kind: reratingId === undefined ? 'record' : 'correction', requestId, attempt: Number(attempt) }
}

/** When its call began, and whose it was; null for a call of nobody. */
export function entryPlace(entry: SinkEntry): { readonly startedAt: string; readonly teamId: string | null } {
  return entry.kind === 'record' ? entry.record : entry.correction
}

/** Its fields as plain JSON with the names of the admin API. Money is text: exact decimals, and nanos beside them. */
export function entryFields(entry: SinkEntry): Record<string, unknown> {
  if (entry.kind === 'correction') {
    const { nanos, ...rest } = entry.correction
    return { type: 'cost_correction', ...snakeKeys(rest), ...moneyFields(nanos) }
  }
  const { tokens, usageDetails, costNanos, shadowRefusal, decision: _, ...rest } = entry.record
  return {
    type: 'usage_record',
    ...snakeKeys(rest),
    input_tokens: tokens.input,
    cached_input_tokens: tokens.cachedInput,
    output_tokens: tokens.output,
    reasoning_tokens: tokens.reasoning,
    usage_details: usageDetails && snakeKeys(usageDetails),
    ...moneyFields(costNanos),
    shadow_refusal: shadowRefusal && snakeKeys(shadowRefusal),
  }
}

function moneyFields(nanos: number | null): { cost: string | null; cost_nanos: string | null } {
  if (nanos === null) return { cost: null, cost_nanos: null }
  const sign = nanos < 0 ? '-' : ''
  return { cost: sign + nanosText(Math.abs(nanos)), cost_nanos: String(nanos) }
}

function snakeKeys(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}
