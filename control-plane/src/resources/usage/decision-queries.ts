/** The SQL of requests: the records of one call by its id, and what became of the thing that refused it. */
import { bornAt } from '@headgate/domain/id'
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { Database } from '../../database/open.ts'
import { recordOf } from '../../database/usage-row.ts'

/** The records of a call, attempts in their order. An id says when its call arrived, so one partition is read. */
export async function readCall(db: Database, requestId: string): Promise<UsageRecord[]> {
  const startedAt = bornAt(requestId)
  if (startedAt === null) return []
  const rows = await db
    .selectFrom('usageRecords')
    .selectAll()
    .where('startedAt', '=', startedAt)
    .where('requestId', '=', requestId)
    .orderBy('attempt')
    .execute()
  return rows.map(recordOf)
}

/** Where things that refuse lie. */
export type RefusingTable = 'limits' | 'quotas' | 'budgets' | 'policies' | 'proxyKeys' | 'apps' | 'teams'

/** What the thing is called now, null where such things have no name; undefined when it is not there. */
export async function readThing(
  db: Database,
  table: RefusingTable,
  id: string,
): Promise<{ name: string | null } | undefined> {
  if (table === 'limits') {
    const limit = await db.selectFrom('limits').select('id').where('id', '=', id).executeTakeFirst()
    return limit && { name: null }
  }
  return db.selectFrom(table).select('name').where('id', '=', id).executeTakeFirst()
}

/** The last change of a thing after an instant, or of what raises it; undefined when there was none. */
export async function lastChange(db: Database, thingId: string, after: string) {
  const raises = await db.selectFrom('budgetOverrides').select('id').where('budgetId', '=', thingId).execute()
  return db
    .selectFrom('thingChanges')
    .select(['thingId', 'at', 'action'])
    .where('thingId', 'in', [thingId, ...raises.map((it) => it.id)])
    .where('at', '>', after)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
}
