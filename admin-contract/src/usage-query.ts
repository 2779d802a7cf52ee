/**
 * The one question about usage: what, by which dimensions, of which calls, in which stretches of time, beside
 * which earlier span. The console, the CLI and exports all ask it. Answers come from the rollups and are exact;
 * percentiles alone are read from bins.
 */
import { ExchangeRate } from '@headgate/domain/exchange-rate'
import { TimeZone } from '@headgate/domain/period'
import { Currency } from '@headgate/domain/price'
import { UsageDimension } from '@headgate/domain/rollup'
import { TokenUsage } from '@headgate/domain/usage'
import { z } from 'zod'
import { Instant } from './instant.ts'

const DIMENSIONS_MAX = 3
const VALUES_MAX = 50
const GROUPS_MAX = 1000

/** Query strings hold text only: a list is its items with commas between them. */
const listOf = <T extends z.ZodType<string, string>>(item: T, countMax: number) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(item).max(countMax))

const values = <T extends z.ZodType<string, string>>(item: T) => listOf(item, VALUES_MAX).optional()
const Id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id')
const Name = z.string().min(1).max(128)

/** Which calls, by any of these; several values with commas between them mean any of them. */
export const filterShape = {
  teamId: values(Id),
  appId: values(Id),
  userId: values(Id),
  keyId: values(Id),
  endpoint: values(Name),
  alias: values(Name),
  model: values(Name),
  deploymentId: values(Id),
  resourceId: values(Id),
  status: values(z.string().regex(/^[0-9]{3}$/, 'expected a status such as 429')),
  outcome: values(Name),
  errorCode: values(Name),
  clientTag: values(Name),
}
export type UsageValues = z.infer<z.ZodObject<typeof filterShape>>

/** What groups are ranked by. */
const Metric = z.enum(['calls', 'refused', 'failed', 'tokens', 'cost'])
export type Metric = z.infer<typeof Metric>

export const UsageQuery = z.strictObject({
  from: Instant.optional().meta({ description: 'Included; a day before `to` if left out.' }),
  to: Instant.optional().meta({ description: 'Not included; now if left out.' }),
  by: listOf(UsageDimension, DIMENSIONS_MAX)
    .default([])
    .meta({ description: `Up to ${DIMENSIONS_MAX} dimensions with commas between them.` }),
  bucket: z
    .enum(['none', 'minute', 'hour', 'day', 'week', 'month'])
    .default('none')
    .meta({ description: 'The stretches of time; weeks begin on Monday.' }),
  zone: TimeZone.optional().meta({
    description: 'The time zone that days begin in; that of the setting `reporting_zone` if it is left out.',
  }),
  metric: Metric.default('calls').meta({ description: 'What groups are ranked by.' }),
  currency: Currency.optional().meta({ description: 'Tells costs in this currency alone.' }),
  in: z
    .string()
    .regex(/^([A-Z]{3}|none)$/, 'expected an ISO 4217 code such as USD, or none')
    .optional()
    .meta({
      description:
        'Tells costs in this currency besides, by the exchange rate of each day (UTC), and ranks by it; that of the setting `reporting_currency` if it is left out, none with `none`.',
    }),
  compare: z
    .enum(['none', 'previous_period', 'previous_year'])
    .default('none')
    .meta({ description: 'Tells the sums of an earlier span beside.' }),
  latency: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ description: 'Whether to tell percentiles.' }),
  limit: z.coerce
    .number<string | number>()
    .int()
    .min(1)
    .max(GROUPS_MAX)
    .default(100)
    .meta({ description: 'How many groups; the calls of all others are told as one.' }),
  ...filterShape,
})
export type UsageQuery = z.infer<typeof UsageQuery>

/** Money as decimal text: exact to the nano. */
export const Money = z.object({ amount: z.string(), currency: Currency })
export type Money = z.infer<typeof Money>

/** Money of several currencies and days in one, by the rates that were written down for these days. */
const CostIn = z.object({
  /** Rounded once, to the nearest nano; null where there was no rate for any of it. */
  amount: z.string().nullable(),
  currency: Currency,
  /** What no rate was there for, in its own currency; it is not in the amount. */
  notConverted: z.array(Money),
})

/** Of calls; null when there were none. */
const Percentiles = z
  .object({ p50: z.number(), p90: z.number(), p95: z.number(), p99: z.number() })
  .nullable()

export const UsageSums = z.object({
  calls: z.int(),
  refused: z.int(),
  failed: z.int(),
  aborted: z.int(),
  truncated: z.int(),
  tokens: TokenUsage,
  /** One sum for each currency; calls without a price are in none of them. */
  costs: z.array(Money),
  /** All of them in one currency; null where that is neither asked for nor settled on. */
  costIn: CostIn.nullable(),
  /** Calls that used tokens of a model without a price. Their cost is unknown, not zero. */
  callsWithoutPrice: z.int(),
  /** Calls whose tokens no provider told: counted by us as far as there was text, or estimated. */
  callsEstimated: z.int(),
  requestBytes: z.int(),
  replyBytes: z.int(),
  /** Null unless asked for. */
  latency: z.object({ overheadMs: Percentiles, firstByteMs: Percentiles, totalMs: Percentiles }).nullable(),
})
export type UsageSums = z.infer<typeof UsageSums>

const UsageGroup = z.object({
  /** When the stretch of time begins; null where none were asked for. */
  at: Instant.nullable(),
  /** One for each dimension, in the order asked for; empty for all the groups beyond the limit together. */
  group: z.array(
    z.object({
      dimension: UsageDimension,
      /** Null for calls that name none. */
      value: z.string().nullable(),
      /** What people call it, where it has a name. */
      name: z.string().nullable(),
    }),
  ),
  isOther: z.boolean(),
  sums: UsageSums,
  /** The same of the earlier span; null unless asked for. */
  previous: UsageSums.nullable(),
})
export type UsageGroup = z.infer<typeof UsageGroup>

const Span = z.object({ from: Instant, to: Instant })

export const UsageAnswer = z.object({
  /** The span that was summed: whole minutes, or what is kept of longer ago. */
  ...Span.shape,
  previous: Span.nullable(),
  asOf: Instant,
  /** What costs are told in besides; null where each currency stands by itself. */
  in: Currency.nullable(),
  /** By time, and in it by rank. Stretches without calls are left out. */
  data: z.array(UsageGroup),
  /** How many groups there are. */
  groups: z.int(),
  /** The exchange rates that were used, by their day; null where costs are told in none besides. */
  rates: z.array(ExchangeRate.omit({ id: true, createdAt: true })).nullable(),
})
export type UsageAnswer = z.infer<typeof UsageAnswer>
