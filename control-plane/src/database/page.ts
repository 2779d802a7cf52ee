/**
 * Cuts lists into pages. Ids sort by birth, so "after this id, downwards" is both the order and the cursor;
 * one row more than asked for tells whether there is a next page.
 */

import type { Page } from '@headgate/admin-contract/page'
import { AdminProblem } from '@headgate/admin-contract/problem'

/** The page of these rows, which were asked for with one more than `limit`. */
export function toPage<T>(
  rows: readonly T[],
  limit: number,
  positionOf: (row: T) => readonly string[],
): Page<T> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  const hasMore = rows.length > limit
  const nextCursor = hasMore && last !== undefined ? encode(positionOf(last)) : null
  return { data, page: { nextCursor, hasMore } }
}

/** As `toPage`, for things whose position is their id. */
export function toPageById<T extends { id: string }>(rows: readonly T[], limit: number): Page<T> {
  return toPage(rows, limit, (row) => [row.id])
}

/**
 * The position a cursor stands for.
 * @throws AdminProblem `invalid_request` when it is not one of ours
 */
export function positionAfter(cursor: string, length: number): string[] {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  const parts = text.split(' ')
  if (parts.length !== length || !/^[\x20-\x7e]+$/.test(text)) throw badCursor()
  try {
    return parts.map(decodeURIComponent)
  } catch {
    throw badCursor()
  }
}

/** As `positionAfter`, for things whose position is their id. */
export function idAfter(cursor: string): string {
  return positionAfter(cursor, 1)[0] as string
}

export function badCursor(): AdminProblem {
  const fault = {
    pointer: '?cursor',
    code: 'invalid_cursor',
    message: 'not a cursor of this list',
    fix: 'Send `next_cursor` of the page before, unchanged, or leave it out to begin again.',
  }
  return new AdminProblem('invalid_request', 'The cursor is not one of ours.', { faults: [fault] })
}

function encode(position: readonly string[]): string {
  return Buffer.from(position.map(encodeURIComponent).join(' '), 'utf8').toString('base64url')
}
