/** The SQL of agreements. */
import type { Agreement } from '@headgate/domain/agreement'
import type { CapacityUse } from '@headgate/domain/allocation'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'

export function readAgreement(db: Database, id: string): Promise<Agreement | undefined> {
  return db.selectFrom('agreements').selectAll().where('id', '=', id).executeTakeFirst()
}

/** All agreements there are of a place. */
export function readAgreementsOf(
  db: Database,
  { resourceId, deploymentId }: Pick<Agreement, 'resourceId' | 'deploymentId'>,
): Promise<Agreement[]> {
  return db
    .selectFrom('agreements')
    .selectAll()
    .where(sql<boolean>`resource_id is not distinct from ${resourceId}`)
    .where(sql<boolean>`deployment_id is not distinct from ${deploymentId}`)
    .execute()
}

/** When another agreement of the same place takes over, if one does. */
export async function readSuccessorStart(db: Database, it: Agreement): Promise<string | null> {
  const row = await db
    .selectFrom('agreements')
    .select((of) => of.fn.min('effectiveFrom').as('start'))
    .where('effectiveFrom', '>', it.effectiveFrom)
    .where(sql<boolean>`resource_id is not distinct from ${it.resourceId}`)
    .where(sql<boolean>`deployment_id is not distinct from ${it.deploymentId}`)
    .executeTakeFirst()
  return row?.start ?? null
}

/** Who used the capacity of an agreement in a span; `to` is not included. */
export function readCapacityUse(
  db: Database,
  { id, from, to }: { id: string; from: string; to: string },
): Promise<CapacityUse[]> {
  return db
    .selectFrom('usageRecords')
    .select([
      'teamId',
      sql<number>`count(*)`.as('calls'),
      sql<number>`sum(input_tokens + output_tokens)`.as('tokens'),
    ])
    .where('agreementId', '=', id)
    .where('startedAt', '>=', from)
    .where('startedAt', '<', to)
    .groupBy('teamId')
    .execute()
}
