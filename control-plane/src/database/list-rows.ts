/**
 * Lists any table that has an id: filtered, in the order asked for, cut into pages. A cursor remembers the list and
 * the order it was made in; ids sort by birth, so they are the order by age and what tells equal names apart.
 */
import type { Page, PageQuery } from '@headgate/admin-contract/page'
import { renameKey } from '@headgate/admin-contract/wire'
import { type RawBuilder, sql } from 'kysely'
import { loose } from './loose.ts'
import type { Database } from './open.ts'
import { badCursor, positionAfter, toPage } from './page.ts'
import type { Tables } from './tables.ts'

export type Listing = {
  readonly table: keyof Tables
  /** All of them when left out. */
  readonly columns?: readonly string[]
  /** Columns that may be null, and what a null counts as when they are sorted by. */
  readonly nullsAs?: Readonly<Record<string, string>>
  readonly where?: readonly RawBuilder<boolean>[]
}

type ListQuery = PageQuery & { readonly sort?: string | undefined; readonly q?: string | undefined }

const BY_AGE = '-created_at'

/**
 * One page. Whatever else the query holds is a column that must equal.
 * @throws AdminProblem `invalid_request` for a cursor of another list or another order
 */
export async function listRows<T extends { id: string }>(
  db: Database,
  { table, columns, nullsAs = {}, where = [] }: Listing,
  query: ListQuery,
): Promise<Page<T>> {
  const { limit, cursor, sort = BY_AGE, q, ...equal } = query
  const down = sort.startsWith('-')
  const order = down ? 'desc' : 'asc'
  const field = renameKey(sort.replace(/^-/, ''))
  const nullAs = nullsAs[field]
  const column = nullAs === undefined ? sql.ref(field) : sql`coalesce(${sql.ref(field)}, ${sql.lit(nullAs)})`
  const byAge = field === 'createdAt'
  const base = loose(db).selectFrom(table)
  let rows = (columns === undefined ? base.selectAll() : base.select([...columns])).limit(limit + 1)
  for (const [name, value] of Object.entries(equal))
    if (value !== undefined) rows = rows.where(name, '=', value)
  for (const condition of where) rows = rows.where(condition)
  if (q !== undefined) rows = rows.where('name', 'ilike', `%${q.replace(/[\\%_]/g, '\\$&')}%`)
  if (cursor !== undefined) {
    const [madeIn, value = '', id = ''] = positionAfter(cursor, 3)
    if (madeIn !== listOf(table, sort)) throw badCursor()
    const place = byAge
      ? sql<boolean>`id ${than(down)} ${id}`
      : sql<boolean>`(${column}, id) ${than(down)} (${value}, ${id})`
    rows = rows.where(place)
  }
  if (!byAge) rows = rows.orderBy(column, order)
  const found = (await rows.orderBy('id', order).execute()) as (T & Record<string, unknown>)[]
  return toPage<T>(found, limit, (row) => {
    const value = byAge ? '' : ((row as Record<string, unknown>)[field] ?? nullAs ?? '')
    return [listOf(table, sort), String(value), row.id]
  })
}

/** A cursor of another list would lead to a place that is none of this one, and quietly leave out what is before it. */
function listOf(table: string, sort: string): string {
  return `${table}.${sort}`
}

function than(down: boolean): RawBuilder<unknown> {
  return down ? sql`<` : sql`>`
}
