/**
 * Cuts lists into pages. Ids sort by birth, so "after this id, downwards" is both the order and the cursor;
 * one row more than asked for tells whether there is a next page.
 */

import type { Page, PageQuery } from '@headgate/admin-contract/page'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { type SelectQueryBuilder, sql } from 'kysely'
import type { Tables } from './tables.ts'

/** The page of these rows, which were asked for with one more than `limit`. */
export function toPage<T>(
  rows: readonly T[],
  limit: number,
  positionOf: (row: T) => readonly string[],
): Page<T> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  const hasMore = rows.length > limit
  const nextCursor = hasMore && last !== undefined ? cursorAt(positionOf(last)) : null
  return { data, page: { nextCursor, hasMore } }
}

/**
 * A page of rows whose position is their id, the youngest first.
 * @throws AdminProblem `invalid_request` when the cursor is not one of ours
 */
export async function pageById<T extends keyof Tables, Row extends { id: string }>(
  rows: SelectQueryBuilder<Tables, T, Row>,
  { limit, cursor }: PageQuery,
): Promise<Page<Row>> {
  const id = sql.ref<string>('id')
  let some = rows.orderBy(id, 'desc').limit(limit + 1)
  if (cursor !== undefined) some = some.where(sql<boolean>`${id} < ${positionAfter(cursor, 1)[0]}`)
  return toPage((await some.execute()) as Row[], limit, (row) => [row.id])
}

/**
 * The position a cursor stands for.
 * @throws AdminProblem `invalid_request` when it is not one of ours
 */
export function positionAfter(
  cursor: string,
  length: number,
  pointer: '?cursor' | '?after' = '?cursor',
): string[] {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  const parts = text.split(' ')
  if (parts.length !== length || !/^[\x20-\x7e]+$/.test(text)) throw badCursor(pointer)
  try {
    return parts.map(decodeURIComponent)
  } catch {
    throw badCursor(pointer)
  }
}

/** Refuses a cursor. */
export function badCursor(pointer: '?cursor' | '?after' = '?cursor'): AdminProblem {
  const from = pointer === '?cursor' ? '`next_cursor` of the page before' : 'the id of an event'
  const fault = {
    pointer,
    code: 'invalid_cursor',
    message: 'not one that this list or stream gave',
    fix: `Send ${from}, unchanged, or leave it out to begin anew.`,
  }
  return new AdminProblem('invalid_request', 'The cursor is not one of ours.', { faults: [fault] })
}

/** The cursor that stands for a position. */
export function cursorAt(position: readonly string[]): string {
  return Buffer.from(position.map(encodeURIComponent).join(' '), 'utf8').toString('base64url')
}
