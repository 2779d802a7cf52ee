/** Who owns a limit or a budget: a team, an app, a user or a key, found by the id alone. */
import { sql } from 'kysely'
import type { Database } from './open.ts'

/** The column of a usage record that names an owner of this kind. */
export const usageColumnOf = { team: 'teamId', app: 'appId', user: 'userId', key: 'keyId' } as const

/** The name of the owner of a limit or budget, whose row has an `owner_id`. */
export const ownerName = sql<string>`coalesce(
  (select name from teams where teams.id = owner_id), (select name from apps where apps.id = owner_id),
  (select name from users where users.id = owner_id), (select name from proxy_keys where proxy_keys.id = owner_id),
  owner_id)`

export type Owner = {
  readonly teamId: string
  readonly appId: string | null
  readonly userId: string | null
}

/** Where an owner belongs; undefined when there is none with this id. */
export async function readOwner(db: Database, ownerId: string): Promise<Owner | undefined> {
  const nowhere = { appId: null, userId: null }
  if (ownerId.startsWith('team_')) {
    const team = await db.selectFrom('teams').select('id').where('id', '=', ownerId).executeTakeFirst()
    return team && { teamId: team.id, ...nowhere }
  }
  if (ownerId.startsWith('key_')) {
    const of = ['teamId', 'appId', 'userId'] as const
    return db.selectFrom('proxyKeys').select(of).where('id', '=', ownerId).executeTakeFirst()
  }
  const table = ownerId.startsWith('app_') ? 'apps' : 'users'
  const it = await db.selectFrom(table).select('teamId').where('id', '=', ownerId).executeTakeFirst()
  return it && { teamId: it.teamId, ...nowhere }
}

/** Says that the gateways' directory does not know yet what this key carries. */
export async function markKeyUnpublished(db: Database, keyId: string): Promise<void> {
  await db.updateTable('proxyKeys').set({ isPublished: false }).where('id', '=', keyId).execute()
}

/** A list that SQL can take when it is empty: no id is the empty text. */
export function some(ids: readonly string[]): readonly string[] {
  return ids.length === 0 ? [''] : ids
}
