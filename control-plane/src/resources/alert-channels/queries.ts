/** The SQL of what alert channels may listen to. */
import type { Database } from '../../database/open.ts'

/** Those of these ids that name nothing. */
export async function missingIds(
  db: Database,
  table: 'teams' | 'budgets',
  ids: readonly string[],
): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await db.selectFrom(table).select('id').where('id', 'in', ids).execute()
  const known = new Set(rows.map((row) => row.id))
  return ids.filter((id) => !known.has(id))
}
