/** Answers questions about usage: lays the spans out, has them summed, and puts the sums into words. */
import type { UsageAnswer, UsageGroup, UsageQuery, UsageSums } from '@headgate/admin-contract/usage-query'
import type { Rate, RateTable } from '@headgate/domain/exchange-rate'
import { quantilesOf } from '@headgate/domain/rollup'
import { binsOf } from '../../database/bin-digits.ts'
import { readOrganisationSettings } from '../../database/organisation-settings.ts'
import type { BinColumn } from '../../database/rollup-tables.ts'
import { fieldFault, type HandlerContext } from '../context.ts'
import { bucketStarts, yearBefore } from './buckets.ts'
import { costInOf, moneyOf, readRateTable } from './money-view.ts'
import { readKeptSince, readNames } from './queries.ts'
import { alignDown, alignUp, type KeptSince, type SpanPlan, spanPlan } from './slices.ts'
import { type SumRow, sumUsage } from './sums.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** Stretches of time, and cells of stretches and groups: some megabytes of reply. */
const BUCKETS_MAX = 1_500
const CELLS_MAX = 50_000
const PERCENTILES = [0.5, 0.9, 0.95, 0.99]
type Four = [number, number, number, number]

export type AnswerContext = Pick<HandlerContext, 'db' | 'nowMs' | 'now' | 'teamIds' | 'fixedSettings'>

/** @throws AdminProblem when the span is empty or the answer would be too large */
export async function answerUsage(
  question: UsageQuery,
  { db, nowMs, now, teamIds, fixedSettings }: AnswerContext,
): Promise<UsageAnswer> {
  const { reportingZone, reportingCurrency } = await readOrganisationSettings(db, fixedSettings)
  const query = { ...question, zone: question.zone ?? reportingZone }
  const currency = question.in === 'none' ? null : (question.in ?? reportingCurrency)
  const kept = await readKeptSince(db)
  const spans = spansOf(query, nowMs, kept)
  const rates = currency === null ? null : await readRateTable(db, currency, spans)
  const rows = await sumUsage(db, spans, query, { ...query, rates, ofTeams: teamIds !== null })
  const values = rows.flatMap((row) => query.by.map((_, i) => row[`dimension${i}`] ?? ''))
  const names = await readNames(db, [...new Set(values.filter((it) => /^[a-z]+_/.test(it)))])
  const [asked, earlier] = spans.map(({ bounds }) => ({ from: iso(bounds[0]), to: iso(bounds.at(-1)) }))
  const used = new Set<Rate>()
  const view = rates && { table: rates, used }
  return {
    ...(asked as { from: string; to: string }),
    previous: earlier ?? null,
    asOf: now,
    in: currency,
    data: groupsOf(rows, query, { starts: spans[0]?.bounds ?? [], names, view }),
    groups: Number(rows[0]?.groups ?? 0),
    rates: view && [...used].sort(byDay),
  }
}

/** The span asked for and, if asked, the one it is compared with, as rollups can tell them. */
function spansOf(query: UsageQuery & { zone: string }, nowMs: number, kept: KeptSince): SpanPlan[] {
  const toMs = alignUp(query.to === undefined ? nowMs : Date.parse(query.to), kept)
  const fromMs = alignDown(query.from === undefined ? toMs - DAY_MS : Date.parse(query.from), kept)
  if (fromMs >= toMs) {
    throw fieldFault('?from', {
      ...{ code: 'empty_span', message: 'not before `to`' },
      fix: 'Send an earlier `from` or a later `to`.',
    })
  }
  const groupsMax = query.by.length === 0 ? 1 : query.limit
  const starts = bucketStarts({ fromMs, toMs }, { ...query, countMax: BUCKETS_MAX })
  if (starts.length > BUCKETS_MAX || starts.length * groupsMax > CELLS_MAX) {
    throw fieldFault('?bucket', {
      ...{ code: 'too_many', message: `more than ${BUCKETS_MAX} stretches of time or ${CELLS_MAX} sums` },
      fix: 'Send a larger `bucket`, a shorter span or a smaller `limit`.',
    })
  }
  const spans = [[...starts, toMs]]
  if (query.compare === 'previous_period') spans.push([...starts, toMs].map((it) => it - (toMs - fromMs)))
  if (query.compare === 'previous_year') spans.push([...starts, toMs].map(yearBefore))
  return spans.map((bounds) => spanPlan(bounds.map((it) => alignDown(it, kept))))
}

function byDay(a: Rate, b: Rate): number {
  const [one, other] = [a, b].map((it) => it.day + it.base + it.quote) as [string, string]
  return one < other ? -1 : 1
}

/** The rates that costs are seen by, and those of them that were used so far. */
type View = { readonly table: RateTable; readonly used: Set<Rate> }
type Labels = {
  readonly starts: readonly number[]
  readonly names: ReadonlyMap<string, string>
  readonly view: View | null
}

function groupsOf(rows: readonly SumRow[], query: UsageQuery, { starts, names, view }: Labels): UsageGroup[] {
  const cells = new Map<string, SumRow[]>()
  for (const row of rows) {
    const cell = `${row.bucket} ${row.rank}`
    const there = cells.get(cell)
    if (there === undefined) cells.set(cell, [row])
    else there.push(row)
  }
  const inOrder = [...cells.values()].sort(([a], [b]) => {
    const [one, other] = [a as SumRow, b as SumRow]
    return one.bucket - other.bucket || (one.rank ?? Infinity) - (other.rank ?? Infinity)
  })
  const compared = query.compare !== 'none'
  return inOrder.map((cell) => {
    const [first] = cell as [SumRow]
    const its = (span: number) =>
      sumsOf(
        cell.filter((row) => row.span === span),
        query,
        view,
      )
    return {
      at: query.bucket === 'none' ? null : iso(starts[first.bucket - 1]),
      group:
        first.rank === null
          ? []
          : query.by.map((dimension, i) => {
              const value = first[`dimension${i}`] || null
              return { dimension, value, name: (value !== null && names.get(value)) || null }
            }),
      isOther: first.rank === null,
      sums: its(0),
      previous: compared ? its(1) : null,
    }
  })
}

/** One sum of the rows of all currencies. */
function sumsOf(rows: readonly SumRow[], { currency, latency }: UsageQuery, view: View | null): UsageSums {
  const sum = (column: Exclude<keyof SumRow, BinColumn>) =>
    rows.reduce((total, row) => total + Number(row[column]), 0)
  const wanted = rows.filter((row) => currency === undefined || row.currency === currency)
  const told = wanted.filter((row) => row.priced !== '0' || row.costNanos !== '0')
  return {
    calls: sum('calls'),
    refused: sum('refused'),
    failed: sum('failed'),
    aborted: sum('aborted'),
    truncated: sum('truncated'),
    tokens: {
      input: sum('inputTokens'),
      cachedInput: sum('cachedInputTokens'),
      output: sum('outputTokens'),
      reasoning: sum('reasoningTokens'),
    },
    costs: told
      .map((row) => moneyOf(row.costNanos, row.currency))
      .sort((a, b) => (a.currency < b.currency ? -1 : 1)),
    costIn: view && costInOf(wanted.flatMap(ratedSums), view.table, view.used),
    callsWithoutPrice: sum('unpriced'),
    callsEstimated: sum('estimated'),
    requestBytes: sum('requestBytes'),
    replyBytes: sum('replyBytes'),
    latency: latency
      ? {
          overheadMs: percentiles(rows, 'overheadBins', 1000),
          firstByteMs: percentiles(rows, 'firstByteBins', 1),
          totalMs: percentiles(rows, 'totalBins', 1),
        }
      : null,
  }
}

/** A row's cost by stretches of the rates; what came to nothing needs no rate. */
function ratedSums({ currency, rateStretches = [], rateNanos = [] }: SumRow) {
  return rateStretches
    .map((stretch, i) => ({ stretch, currency, nanos: rateNanos[i] ?? '0' }))
    .filter((it) => it.nanos !== '0')
}

function percentiles(rows: readonly SumRow[], column: BinColumn, perMs: number) {
  const read = quantilesOf(binsOf(rows.map((row) => row[column] ?? '0')), PERCENTILES)
  if (read === null) return null
  const [p50, p90, p95, p99] = read.map((it) => Number((it / perMs).toPrecision(3))) as Four
  return { p50, p90, p95, p99 }
}

function iso(instantMs: number | undefined): string {
  return new Date(instantMs as number).toISOString()
}
