/** The SQL of resources, the accounts at providers. */
import type { Change } from '@headgate/admin-contract/operation'
import { isLoopbackOrigin, type Resource } from '@headgate/domain/resource'
import type { Database } from '../../database/open.ts'

/**
 * Moves a resource on loopback to another place there; one that an admin has pointed elsewhere stays. For the
 * demo, whose fake upstream may listen on another port at each start.
 */
export async function setLoopbackOrigin(db: Database, id: string, origin: string): Promise<Change<Resource>> {
  const before = await db.selectFrom('resources').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  if (before.origin === origin || !isLoopbackOrigin(before.origin)) return { changed: false, reply: before }
  const after = await db
    .updateTable('resources')
    .set({ origin })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { changed: true, reply: after, subjectId: id, before, after }
}
