/** The SQL of archived things: written by the core of every change that removes something. */
import type { ArchivedThing } from '@headgate/domain/archived-thing'
import type { Database } from '../../database/open.ts'

/** Keeps what is removed, as it was. */
export async function archiveThing(db: Database, it: Omit<ArchivedThing, 'name'>): Promise<void> {
  const name = (it.thing as { name?: unknown } | null)?.name
  const row = { ...it, name: typeof name === 'string' ? name : null, thing: JSON.stringify(it.thing) }
  // An id comes back only where a catalog was rolled back; what was removed last is what is kept.
  await db
    .insertInto('archivedThings')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

export function readArchivedThing(db: Database, id: string): Promise<ArchivedThing | undefined> {
  return db.selectFrom('archivedThings').selectAll().where('id', '=', id).executeTakeFirst()
}
