/** Usage in the admin API: the records themselves, questions about them, and whether their sums hold. */
import { RequestId } from '@headgate/domain/own-use'
import { Currency } from '@headgate/domain/price'
import { UsageRecord } from '@headgate/domain/usage-record'
import { z } from 'zod'
import { Download, TableFormat } from './download.ts'
import { Instant } from './instant.ts'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'
import { filterShape, UsageAnswer, UsageQuery } from './usage-query.ts'

const Least = z.coerce.number<string | number>().int().min(0).max(Number.MAX_SAFE_INTEGER).optional()

/** Which records; `from` is included, `to` is not. */
export const UsageFilter = z.strictObject({
  from: Instant.optional(),
  to: Instant.optional(),
  ...filterShape,
  requestId: RequestId.optional().meta({ description: 'One request, with all its attempts.' }),
  minCostNanos: Least.meta({ description: 'Those that cost at least this, whatever the currency.' }),
  minTotalMs: Least.meta({ description: 'Those that took at least so many milliseconds.' }),
})
export type UsageFilter = z.infer<typeof UsageFilter>

/** A figure that records and rollups of a day tell differently. */
export const Drift = z.object({
  table: z.string(),
  currency: Currency,
  measure: z.string(),
  /** Whole numbers as text: they may pass what a JSON number holds. */
  records: z.string(),
  rollup: z.string(),
})
export type Drift = z.infer<typeof Drift>

const UsageCheck = z.object({
  day: z.iso.date(),
  checkedAt: Instant,
  calls: z.int(),
  /** Empty when they told the same. */
  drifts: z.array(Drift),
})

export const usage = {
  list: operation({
    method: 'GET',
    path: '/usage-records',
    right: 'usage.read',
    summary: 'Lists usage records, latest first.',
    query: PageQuery.extend(UsageFilter.shape),
    reply: pageOf(UsageRecord),
  }),
  query: operation({
    method: 'GET',
    path: '/analytics/query',
    right: 'usage.read',
    summary: 'Sums usage by dimensions and stretches of time, beside an earlier span if asked.',
    query: UsageQuery,
    reply: UsageAnswer,
  }),
  exportRecords: operation({
    method: 'GET',
    path: '/usage-records/export',
    right: 'usage.read',
    summary: 'Sends usage records as a file, latest first, with names beside ids.',
    query: UsageFilter.extend({ format: TableFormat }),
    reply: Download,
    download: true,
    audit: 'usage.exported',
  }),
  exportQuery: operation({
    method: 'GET',
    path: '/analytics/export',
    right: 'usage.read',
    summary: 'Sends the answer to a question about usage as a file.',
    query: UsageQuery.extend({ format: TableFormat }),
    reply: Download,
    download: true,
    audit: 'usage.exported',
  }),
  checks: operation({
    method: 'GET',
    path: '/usage-checks',
    right: 'usage.check',
    summary: 'Lists what the comparison of records and rollups found, by day (UTC), latest first.',
    query: PageQuery,
    reply: pageOf(UsageCheck),
  }),
}
