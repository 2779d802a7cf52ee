/** The SQL of drafts that goes beyond that of plain things. */
import type { Draft } from '@headgate/admin-contract/drafts'
import type { Database } from '../../database/open.ts'

/** Locks the draft until the transaction ends, so that nobody changes what is being published. */
export function lockDraft(db: Database, id: string): Promise<Draft | undefined> {
  return db.selectFrom('drafts').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

export function readDraft(db: Database, id: string): Promise<Draft | undefined> {
  return db.selectFrom('drafts').selectAll().where('id', '=', id).executeTakeFirst()
}
