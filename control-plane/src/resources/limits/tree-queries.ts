/** The SQL of a whole tree of limits: its rows, the names in it, and what was refused lately. */
import type { LimitTreeDocument } from '@headgate/domain/claim'
import type { Limit } from '@headgate/domain/limit'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { some, usageColumnOf } from '../../database/owner.ts'
import { type LimitFilter, readLimit, readLimits } from './queries.ts'

/** Limits in one tree; more than anybody reads, and bounds what one look costs the ledger. */
const TREE_LIMITS_MAX = 1_000

/** Everything below a quota, or everything of a team with the quotas above it. */
export async function readTree(
  db: Database,
  filter: LimitFilter,
): Promise<{ document: LimitTreeDocument; truncated: boolean }> {
  const rows = await readLimits(db, filter, TREE_LIMITS_MAX + 1)
  const limits = rows.slice(0, TREE_LIMITS_MAX)
  const quotaIds = [...new Set([filter.quotaId, ...limits.map((it) => it.quotaId)])].filter(
    (it) => it != null,
  )
  const teamIds = [...new Set(limits.map((it) => it.teamId))]
  const document = {
    limits,
    quotas: await db.selectFrom('quotas').selectAll().where('id', 'in', some(quotaIds)).execute(),
    resources: await db.selectFrom('resources').select(['id', 'name']).execute(),
    teams: await db.selectFrom('teams').select(['id', 'name']).where('id', 'in', some(teamIds)).execute(),
    apps: await db.selectFrom('apps').select(['id', 'name']).where('teamId', 'in', some(teamIds)).execute(),
  }
  return { document, truncated: rows.length > TREE_LIMITS_MAX }
}

/** One limit with everything above it: all that its figure depends on. */
export async function readChain(db: Database, limit: Limit): Promise<LimitTreeDocument> {
  const limits = [limit]
  for (let above = limit.parentId; above?.startsWith('lim_'); above = limits[0]?.parentId ?? null) {
    const parent = await readLimit(db, above)
    if (parent === undefined) break
    limits.unshift(parent)
  }
  const ofQuota = db.selectFrom('quotas').selectAll().where('id', '=', limit.quotaId)
  return { limits, quotas: await ofQuota.execute(), resources: [], teams: [], apps: [] }
}

/** Names of users and keys, by id. */
export async function readNames(db: Database, ids: readonly string[]): Promise<Map<string, string>> {
  const users = await db.selectFrom('users').select(['id', 'name']).where('id', 'in', some(ids)).execute()
  const keys = await db.selectFrom('proxyKeys').select(['id', 'name']).where('id', 'in', some(ids)).execute()
  return new Map([...users, ...keys].map((it) => [it.id, it.name]))
}

/** Calls that a limit refused since an instant, by whose they were: an id of a team, app, user or key. */
export async function refusedSince(db: Database, from: string, teamIds: readonly string[]) {
  const columns = Object.values(usageColumnOf)
  const counts = new Map<string, number>()
  const rows = await db
    .selectFrom('usageRecords')
    .select([...columns, sql<number>`count(*)`.as('calls')])
    .where('startedAt', '>=', from)
    .where('teamId', 'in', some(teamIds))
    .where('errorCode', 'like', 'limit\\_%')
    .groupBy(columns)
    .execute()
  for (const row of rows) {
    for (const column of columns) {
      const id = row[column]
      if (id !== null) counts.set(id, (counts.get(id) ?? 0) + row.calls)
    }
  }
  return counts
}
