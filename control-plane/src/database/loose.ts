/**
 * The database with its tables' types taken away, for the few places that work on any table alike. What they
 * give back is typed again by whoever names the table.
 */
import type { Kysely } from 'kysely'
import type { Database } from './open.ts'

export type LooseDatabase = Kysely<Record<string, Record<string, unknown>>>

/** The same connection or transaction. */
export function loose(db: Database): LooseDatabase {
  return db as unknown as LooseDatabase
}
