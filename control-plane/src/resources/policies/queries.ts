/** The SQL of policies, and of what they may speak of. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Policy, PolicyChange } from '@headgate/domain/policy'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listPolicies(db: Database, query: PageQuery & { ownerId?: string | null | undefined }) {
  let rows = db
    .selectFrom('policies')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.ownerId !== undefined) rows = rows.where('ownerId', '=', query.ownerId)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readPolicy(db: Database, id: string): Promise<Policy | undefined> {
  return db.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertPolicy(db: Database, policy: Policy): Promise<Policy> {
  return db.insertInto('policies').values(policy).returningAll().executeTakeFirstOrThrow()
}

/** Locks the policy until the transaction ends, so that a change is judged on what it is applied to. */
export function lockPolicy(db: Database, id: string): Promise<Policy | undefined> {
  return db.selectFrom('policies').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

/** @param change at least one field */
export function updatePolicy(db: Database, id: string, change: PolicyChange): Promise<Policy> {
  return db.updateTable('policies').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

/** Gives the policy as it was; undefined when there was none. */
export function deletePolicy(db: Database, id: string): Promise<Policy | undefined> {
  return db.deleteFrom('policies').where('id', '=', id).returningAll().executeTakeFirst()
}

/** The names of all model aliases and the ids of all resources. */
export async function readNames(db: Database): Promise<{ models: Set<string>; resources: Set<string> }> {
  const aliases = await db.selectFrom('modelAliases').select('name').execute()
  const resources = await db.selectFrom('resources').select('id').execute()
  return { models: new Set(aliases.map((it) => it.name)), resources: new Set(resources.map((it) => it.id)) }
}

/** Whether there is a team, an app or a key with this id. */
export async function hasOwner(db: Database, id: string): Promise<boolean> {
  for (const table of ['teams', 'apps', 'proxyKeys'] as const) {
    const row = await db.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst()
    if (row !== undefined) return true
  }
  return false
}
