/**
 * Brings the rows of the catalog back to what an earlier version says: what is too many goes, what is missing or
 * different comes back, ids and all. Who somebody is and what something costs is no configuration: teams, apps,
 * keys, prices and budgets stay. Whether the result holds together is judged when the catalog is compiled.
 */
import type { CatalogDocument } from '@headgate/domain/catalog'
import { type CatalogDifference, catalogDifferences } from '@headgate/domain/catalog-difference'
import { type LooseDatabase, loose } from '../../database/loose.ts'
import type { Database } from '../../database/open.ts'
import type { Tables } from '../../database/tables.ts'
import { refusingReferrers } from '../things.ts'

type Part = {
  readonly kind: keyof CatalogDocument
  readonly table: keyof Tables
  readonly json?: readonly string[]
}

/** In an order in which each refers only to those before it. */
const parts: readonly Part[] = [
  { kind: 'resources', table: 'resources' },
  { kind: 'quotas', table: 'quotas' },
  { kind: 'deployments', table: 'deployments' },
  { kind: 'aliases', table: 'modelAliases' },
  { kind: 'routes', table: 'routes', json: ['rules', 'tiers'] },
  { kind: 'policies', table: 'policies' },
  { kind: 'limits', table: 'limits' },
]

type Restoration = {
  readonly current: CatalogDocument
  readonly target: CatalogDocument
  /** When things begin whose beginning the catalog does not know. */
  readonly now: string
}

/**
 * Does it, within a transaction that holds the catalog's lock.
 * @returns what was put back
 * @throws AdminProblem `conflict` when something that stays refers to what would go
 */
export async function restoreRows(db: Database, it: Restoration): Promise<CatalogDifference[]> {
  const kinds = new Set<string>(parts.map((part) => part.kind))
  const differences = catalogDifferences(it.current, it.target).filter((one) => kinds.has(one.kind))
  const rows = loose(db)
  for (const part of [...parts].reverse()) {
    const gone = differences.filter((one) => one.kind === part.kind && one.change === 'removed')
    await removeRows(
      rows,
      part,
      gone
        .map((one) => one.id)
        .sort()
        .reverse(),
    )
  }
  for (const part of parts) {
    const ids = differences.filter((one) => one.kind === part.kind && one.change !== 'removed')
    for (const { id } of ids.sort((a, b) => (a.id < b.id ? -1 : 1))) await putRow(rows, part, id, it)
  }
  return differences
}

/** The youngest first, since a limit may be a part of an older one. */
async function removeRows(db: LooseDatabase, { table }: Part, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  // What stays and draws on a quota that goes is itself put back afterwards.
  if (table === 'quotas')
    await db.updateTable('deployments').set({ quotaId: null }).where('quotaId', 'in', ids).execute()
  for (const id of ids) await refusingReferrers(() => db.deleteFrom(table).where('id', '=', id).execute())
}

async function putRow(
  db: LooseDatabase,
  part: Part,
  id: string,
  { target, now }: Restoration,
): Promise<void> {
  const things = target[part.kind] as readonly (Record<string, unknown> & { id: string })[]
  const { ...row } = things.find((one) => one.id === id)
  for (const field of part.json ?? []) row[field] = JSON.stringify(row[field])
  const { createdAt = now, ...fields } = row
  await db
    .insertInto(part.table)
    .values({ ...fields, createdAt })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(fields))
    .execute()
}
