/**
 * Brings the rows of the catalog back to what an earlier version says: what is too many goes, what is missing or
 * different comes back, ids and all. The rows themselves are compared, since somebody may have changed them past the
 * API. Who somebody is and what something costs is no configuration: teams, apps,
 * keys, prices and budgets stay. Whether the result holds together is judged when the catalog is compiled.
 */
import type { CatalogDocument } from '@headgate/domain/catalog'
import { type CatalogDifference, catalogDifferences } from '@headgate/domain/catalog-difference'
import { sql } from 'kysely'
import { type LooseDatabase, loose } from '../../database/loose.ts'
import type { Database } from '../../database/open.ts'
import type { Tables } from '../../database/tables.ts'
import { refusingReferrers } from '../things.ts'

type Part = {
  readonly kind: keyof CatalogDocument
  readonly table: keyof Tables
  readonly json?: readonly string[]
  /** False where things have no name of their own. */
  readonly hasNames?: false
}

/** In an order in which each refers only to those before it. */
const parts: readonly Part[] = [
  { kind: 'resources', table: 'resources' },
  { kind: 'quotas', table: 'quotas' },
  { kind: 'deployments', table: 'deployments' },
  { kind: 'aliases', table: 'modelAliases' },
  { kind: 'routes', table: 'routes', json: ['rules', 'tiers'], hasNames: false },
  { kind: 'policies', table: 'policies' },
  { kind: 'limits', table: 'limits', hasNames: false },
]

type Thing = Record<string, unknown> & { readonly id: string }
type Rows = { readonly [Kind in keyof CatalogDocument]?: readonly Thing[] }

type Restoration = {
  readonly current: Rows
  readonly target: CatalogDocument
  /** When things begin whose beginning the catalog does not know. */
  readonly now: string
}

/** What was put back, and the keys whose own limits are among it: gateways hear of those with the key. */
type Restored = { readonly differences: CatalogDifference[]; readonly keyIds: readonly string[] }

/**
 * Does it, within a transaction that holds the catalog's lock.
 * @throws AdminProblem `conflict` when something that stays refers to what would go
 */
export async function restoreRows(
  db: Database,
  { target, now }: Omit<Restoration, 'current'>,
): Promise<Restored> {
  const it = { target, now, current: await readRows(loose(db), target) }
  const differences = parts.flatMap(({ kind }) => {
    const [before, after] = [{ [kind]: it.current[kind] }, { [kind]: target[kind] }]
    return catalogDifferences(before as never, after as never)
  })
  const keys = keysOfLimits(differences, it)
  const rows = loose(db)
  for (const part of [...parts].reverse()) {
    const gone = idsOf(differences, part, (change) => change === 'removed')
    if (part.table === 'limits')
      await takeGuarantees(
        rows,
        gone.filter((id) => keys.has(id)),
      )
    await removeRows(rows, part, gone.filter((id) => !keys.has(id)).reverse())
  }
  for (const part of parts) {
    const ids = idsOf(differences, part, (change) => change !== 'removed')
    await freeNames(rows, part, ids)
    for (const id of ids) await putRow(rows, part, id, it)
  }
  return { differences, keyIds: [...new Set(keys.values())] }
}

/** The rows as they are, in the fields that the document has of them. */
async function readRows(db: LooseDatabase, target: CatalogDocument): Promise<Rows> {
  const read: [string, Thing[]][] = []
  for (const { kind, table } of parts) {
    let rows = db.selectFrom(table).selectAll().orderBy('id')
    // The others travel with their keys.
    if (table === 'limits')
      rows = rows.where((row) => row.or([row('ownerKeyId', 'is', null), row('guarantee', 'is not', null)]))
    const wanted = new Map((target[kind] as readonly Thing[]).map((one) => [one.id, Object.keys(one)]))
    const all = (await rows.execute()) as Thing[]
    read.push([kind, all.map((row) => fieldsOf(row, wanted.get(row.id)))])
  }
  return Object.fromEntries(read)
}

/** What the database makes of owner and parent is no field of a limit. */
const MADE = /^(owner(App|User|Key)|parent(Limit|Quota))Id$/

function fieldsOf(row: Thing, wanted: readonly string[] | undefined): Thing {
  const names = wanted ?? Object.keys(row).filter((name) => !MADE.test(name))
  return Object.fromEntries(names.map((name) => [name, row[name]])) as Thing
}

/** In their order. */
function idsOf(
  differences: readonly CatalogDifference[],
  { kind }: Part,
  isMeant: (change: CatalogDifference['change']) => boolean,
): string[] {
  const its = differences.filter((one) => one.kind === kind && isMeant(one.change))
  return its.map((one) => one.id).sort()
}

/** By the ids of their limits. */
function keysOfLimits(
  differences: readonly CatalogDifference[],
  { current, target }: Restoration,
): Map<string, string> {
  const limits = [...(current.limits ?? []), ...target.limits]
  const owners = new Map(limits.map((one) => [one.id, String(one.ownerId)]))
  const ids = differences.filter((one) => one.kind === 'limits').map((one) => one.id)
  return new Map(
    ids.map((id) => [id, owners.get(id) ?? ''] as const).filter(([, owner]) => owner.startsWith('key_')),
  )
}

/**
 * Of the limits of keys a catalog holds those with a guarantee alone. So one that it did not hold may have been there
 * all the same: what is taken away is the guarantee.
 */
async function takeGuarantees(db: LooseDatabase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db.updateTable('limits').set({ guarantee: null }).where('id', 'in', ids).execute()
}

/** A name may belong to another thing by now, which gets another one itself. */
async function freeNames(
  db: LooseDatabase,
  { table, hasNames }: Part,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0 || hasNames === false) return
  await db
    .updateTable(table)
    .set({ name: sql.ref('id') })
    .where('id', 'in', ids)
    .execute()
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
  const things = target[part.kind] as readonly Thing[]
  const { ...row } = things.find((one) => one.id === id)
  for (const field of part.json ?? []) row[field] = JSON.stringify(row[field])
  const { createdAt = now, ...fields } = row
  await db
    .insertInto(part.table)
    .values({ ...fields, createdAt })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(fields))
    .execute()
}
