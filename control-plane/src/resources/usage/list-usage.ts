/**
 * Records one by one, latest first, page by page. Where only a few hours hold what is looked for, only these are read.
 */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { UsageFilter } from '@headgate/admin-contract/usage'
import { rollupMs } from '@headgate/domain/rollup'
import { type ExpressionBuilder, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { badCursor, cursorAt, positionAfter, toPage } from '../../database/page.ts'
import type { Tables } from '../../database/tables.ts'
import { recordOf } from '../../database/usage-row.ts'
import type { HandlerContext } from '../context.ts'
import { matching } from './queries.ts'
import { type SearchHours, searchHours } from './search-hours.ts'
import type { Range } from './slices.ts'

type Asked = PageQuery & UsageFilter

/** Who lists, and when. */
export type UsageListing = Pick<HandlerContext, 'db' | 'nowMs' | 'teamIds'>

/** One page. It holds less than asked for, and a cursor, where the rest lies far back. */
export async function listUsage(query: Asked, { db, nowMs, teamIds }: UsageListing) {
  const place = query.cursor === undefined ? null : placeAt(query.cursor)
  const ends = [place?.startedAt, query.to].flatMap((it) => (it === undefined ? [] : [Date.parse(it)]))
  // What began at the instant of the cursor may come after it.
  const beforeMs = Math.min(nowMs + rollupMs.day, ...ends.map((it) => it + 1))
  const search = { filter: query, beforeMs, count: query.limit + 1, ofTeams: teamIds !== null }
  const hours = await searchHours(db, search)
  const rows = hours?.ranges.length === 0 ? [] : await usagePage(db, query, hours).execute()
  const page = toPage(rows, query.limit, (row) => [row.startedAt, row.requestId, String(row.attempt)])
  const data = page.data.map(recordOf)
  if (hours === null || hours.isAll || page.page.hasMore) return { data, page: page.page }
  return { data, page: { nextCursor: cursorBefore(hours), hasMore: true } }
}

/** Where a search goes on that looked through these hours. */
function cursorBefore({ ranges }: SearchHours): string | null {
  const [fromMs] = ranges.at(-1) ?? []
  return fromMs === undefined ? null : cursorAt([new Date(fromMs).toISOString(), '', '0'])
}

/** One page, and one row more. @param hours where to look; null for everywhere */
export function usagePage(db: Database, query: Asked, hours: SearchHours | null) {
  const [range, another] = hours?.ranges ?? []
  if (range === undefined) return latest(db, query)
  // Postgres plans for a single one without a look at the partitions of other days.
  return another === undefined ? latest(db, query, range) : inTurn(db, query, hours?.ranges ?? [])
}

function latest(db: Database, query: Asked, range: Range | null = null) {
  const rows = db
    .selectFrom('usageRecords')
    .selectAll()
    .where((row) => asked(row, query))
    .orderBy('startedAt', 'desc')
    .orderBy('requestId', 'desc')
    .orderBy('attempt', 'desc')
    .limit(query.limit + 1)
  if (range === null) return rows
  const [since, until] = range.map(isoOf)
  return rows.where(sql<boolean>`started_at >= ${since}::timestamptz and started_at < ${until}::timestamptz`)
}

/** Each range is looked through by itself, and only as far as it takes. */
function inTurn(db: Database, query: Asked, ranges: readonly Range[]) {
  const [since, until] = ([0, 1] as const).map((end) => ranges.map((it) => isoOf(it[end])))
  return db
    .selectFrom(
      sql<object>`unnest(${since}::timestamptz[], ${until}::timestamptz[])`.as<'part'>(
        sql`part (since, until)`,
      ),
    )
    .innerJoinLateral(
      latest(db, query).where(sql<boolean>`started_at >= part.since and started_at < part.until`).as('found'),
      (join) => join.onTrue(),
    )
    .selectAll('found')
    .orderBy('startedAt', 'desc')
    .orderBy('requestId', 'desc')
    .orderBy('attempt', 'desc')
    .limit(query.limit + 1)
}

function isoOf(instantMs: number): string {
  return new Date(instantMs).toISOString()
}

type Place = { readonly startedAt: string; readonly requestId: string; readonly attempt: number }

function placeAt(cursor: string): Place {
  const [startedAt = '', requestId = '', attempt = ''] = positionAfter(cursor, 3)
  if (Number.isNaN(Date.parse(startedAt)) || !/^[0-9]{1,9}$/.test(attempt)) throw badCursor()
  return { startedAt, requestId, attempt: Number(attempt) }
}

/** What is asked for, and comes after the cursor. */
function asked(row: ExpressionBuilder<Tables, 'usageRecords'>, query: Asked) {
  if (query.cursor === undefined) return matching(row, query)
  const { startedAt, requestId, attempt } = placeAt(query.cursor)
  return row.and([
    matching(row, query),
    sql<boolean>`(started_at, request_id, attempt) < (${startedAt}::timestamptz, ${requestId}, ${attempt}::int)`,
  ])
}
