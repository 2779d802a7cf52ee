/** The SQL of what policies may speak of. */
import type { Database } from '../../database/open.ts'

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
