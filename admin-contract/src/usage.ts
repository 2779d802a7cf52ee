/**
 * Usage in the admin API: the records themselves, and their sums by one dimension. Sums are computed from
 * the records, so they are exact; costs are decimal text, since a sum may pass what a JSON number holds.
 */
import { Currency } from '@headgate/domain/price'
import { TokenUsage } from '@headgate/domain/usage'
import { Outcome, UsageRecord } from '@headgate/domain/usage-record'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

const Instant = z.iso.datetime({ offset: true })
const Id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id')

/** Which records; `from` is included, `to` is not. */
const UsageFilter = z.strictObject({
  from: Instant.optional(),
  to: Instant.optional(),
  teamId: Id.optional(),
  appId: Id.optional(),
  userId: Id.optional(),
  keyId: Id.optional(),
  alias: z.string().min(1).max(128).optional(),
  outcome: Outcome.optional(),
})
export type UsageFilter = z.infer<typeof UsageFilter>

/** What usage can be summed by. */
export const UsageDimension = z.enum([
  'team',
  'app',
  'user',
  'key',
  'alias',
  'deployment',
  'endpoint',
  'outcome',
  'day',
])
export type UsageDimension = z.infer<typeof UsageDimension>

/** Money as decimal text: exact to the nano. */
export const Money = z.object({ amount: z.string(), currency: Currency })
export type Money = z.infer<typeof Money>

export const UsageSum = z.object({
  /** The id, name or day (UTC) of the group; null for records that name none. */
  value: z.string().nullable(),
  calls: z.int(),
  tokens: TokenUsage,
  /** One sum for each currency. */
  costs: z.array(Money),
  /** Calls that used tokens of a model without a price. Their cost is unknown, not zero. */
  callsWithoutPrice: z.int(),
})
export type UsageSum = z.infer<typeof UsageSum>

export const usage = {
  list: operation({
    method: 'GET',
    path: '/usage-records',
    role: 'viewer',
    summary: 'Lists usage records, latest first.',
    query: PageQuery.extend(UsageFilter.shape),
    reply: pageOf(UsageRecord),
  }),
  sum: operation({
    method: 'GET',
    path: '/usage-sums',
    role: 'viewer',
    summary: 'Sums usage by one dimension, over the last 24 hours unless `from` and `to` say otherwise.',
    query: UsageFilter.extend({ by: UsageDimension }),
    reply: z.object({
      from: Instant,
      to: Instant,
      by: UsageDimension,
      /** Most calls first. */
      data: z.array(UsageSum),
      /** True when there are more than 1000 groups and the smallest were left out. */
      truncated: z.boolean(),
    }),
  }),
}
