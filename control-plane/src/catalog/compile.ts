/**
 * Compiles the catalog: all rows that gateways serve from, as one document with the next version number.
 * Runs inside the transaction of the change that calls for it, under a lock, so that two changes cannot each be
 * right and together wrong. A document that contradicts itself fails the change, every conflict named.
 */
import { createHash } from 'node:crypto'
import { AdminProblem, type Fault } from '@headgate/admin-contract/problem'
import { canonicalJson } from '@headgate/domain/canonical-json'
import { CatalogDocument, type CatalogFault, catalogFaults } from '@headgate/domain/catalog'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'
import { readDanglingRefs } from '../database/stored-secrets.ts'
import { readCatalogBudgets } from '../resources/budgets/queries.ts'
import { insertCatalogVersion, readCatalogStamp } from '../resources/catalog/queries.ts'
import { readCatalogLimits, readUnfoundedKeyLimits } from '../resources/limits/queries.ts'
import { shippedModels } from '../resources/prices/shipped-list.ts'

/** Conflicts that an answer lists, and that its sentence tells. */
const LISTED_MAX = 100
const TOLD_MAX = 5

export type Compilation = {
  readonly nowMs: number
  readonly author: string
  /** Why there is a new version. */
  readonly message: string
  /** The version is at least this, for when gateways have seen a later one than we have. */
  readonly versionMin?: number
}

/**
 * Waits for whoever is changing the catalog now. To be called before the first write of a transaction that
 * will compile: the order of locks is then the same everywhere, and versions follow commits.
 */
export async function lockCatalog(db: Database): Promise<void> {
  await sql`select pg_advisory_xact_lock(7401, 2)`.execute(db)
}

/**
 * Makes the next version from the rows as this transaction sees them, and stores it.
 * @throws AdminProblem `catalog_conflict` with one fault for each conflict
 */
export async function compileCatalog(db: Database, it: Compilation): Promise<CatalogDocument> {
  const before = await readCatalogStamp(db)
  const version = Math.max((before?.version ?? 0) + 1, it.versionMin ?? 1)
  const compiledAt = new Date(it.nowMs).toISOString()
  const document = await readDocument(db, version, compiledAt)
  const faults = [
    ...catalogFaults(document, await readModelNames(db)),
    ...(await danglingRefs(db)),
    ...(await unfoundedKeyLimits(db)),
  ]
  if (faults.length > 0) throw conflict(faults)
  const { author, message } = it
  await insertCatalogVersion(db, {
    version,
    compiledAt,
    author,
    message,
    document,
    checksum: checksumOf(document),
  })
  return document
}

/** The names that providers are known to give models: those of the shipped list, and those somebody wrote down. */
async function readModelNames(db: Database): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('modelEntries').select('name').execute()
  return new Set([...shippedModels(), ...rows.map((it) => it.name)])
}

/** Resources whose credential was one of ours and is gone: their calls would all fail. */
async function danglingRefs(db: Database): Promise<CatalogFault[]> {
  return (await readDanglingRefs(db)).map(({ id, name, secretRef }) => ({
    ...{ kind: 'resource', id, message: `resource "${name}" refers to ${secretRef}, which is not stored` },
    fix: 'Store a secret of that name with POST /secrets, or let the resource refer to another.',
  }))
}

/** Limits of keys that would come to nothing: a part of nothing denies. */
async function unfoundedKeyLimits(db: Database): Promise<CatalogFault[]> {
  return (await readUnfoundedKeyLimits(db)).map(({ id, measure, ownerId, name }) => ({
    ...{ kind: 'limit', id },
    message: `the limit of ${ownerId} is a part of quota "${name}", which has no ${measure}`,
    fix: 'Remove that limit first, or set the figure at the quota.',
  }))
}

/** Rows in the order of their ids, so that equal rows make equal documents. */
async function readDocument(db: Database, version: number, compiledAt: string): Promise<CatalogDocument> {
  const read = {
    format: 1,
    version,
    compiledAt,
    // One after the other: they share the one connection of the transaction.
    teams: await db.selectFrom('teams').select(['id', 'name', 'allowedModels']).orderBy('id').execute(),
    apps: await db
      .selectFrom('apps')
      .select(['id', 'teamId', 'name', 'allowedModels'])
      .orderBy('id')
      .execute(),
    resources: await db.selectFrom('resources').selectAll().orderBy('id').execute(),
    quotas: await db.selectFrom('quotas').selectAll().orderBy('id').execute(),
    deployments: await db.selectFrom('deployments').selectAll().orderBy('id').execute(),
    modelEntries: await db
      .selectFrom('modelEntries')
      .selectAll()
      .where('name', 'in', (of) => of.selectFrom('deployments').select('pricedAs'))
      .orderBy('id')
      .execute(),
    aliases: await db.selectFrom('modelAliases').selectAll().orderBy('id').execute(),
    routes: await db.selectFrom('routes').selectAll().orderBy('id').execute(),
    policies: await db.selectFrom('policies').selectAll().orderBy('id').execute(),
    // A price book may hold hundreds of models; gateways need those that are deployed.
    prices: await db
      .selectFrom('prices')
      .selectAll()
      .where('model', 'in', (of) => of.selectFrom('deployments').select('pricedAs'))
      .orderBy('id')
      .execute(),
    agreements: await db.selectFrom('agreements').selectAll().orderBy('id').execute(),
    limits: await readCatalogLimits(db),
    budgets: await readCatalogBudgets(db),
  }
  const parsed = CatalogDocument.safeParse(read)
  if (parsed.success) return parsed.data
  // Only rows written around the API can be malformed; the gateways must not be asked to cope.
  throw conflict(
    parsed.error.issues.map((issue) => ({
      kind: 'row',
      id: issue.path.slice(0, 2).join('/'),
      message: `${issue.path.join('.')}: ${issue.message}`,
    })),
  )
}

/** Somebody who broke a thousand rows in Postgres is not helped by a thousand sentences. */
function conflict(faults: readonly CatalogFault[]): AdminProblem {
  const listed: Fault[] = faults.slice(0, LISTED_MAX).map((fault) => ({
    pointer: '',
    code: `${fault.kind}_conflict`,
    message: `${fault.message} (${fault.id})`,
    fix: fault.fix ?? `Change the ${fault.kind} or what it refers to, then send the change again.`,
  }))
  const told = faults.slice(0, TOLD_MAX).map((fault) => fault.message)
  if (faults.length > TOLD_MAX) told.push(`and ${faults.length - TOLD_MAX} more`)
  const summary = told.join('; ')
  return new AdminProblem('catalog_conflict', `Nothing was changed: ${summary}.`, { faults: listed })
}

/**
 * SHA-256 in hex over the document as canonical JSON. Postgres keeps jsonb in an order of its own, so the text
 * that was compiled is not the text that is read back; the canonical form is the same both times.
 */
export function checksumOf(document: CatalogDocument): string {
  return createHash('sha256').update(canonicalJson(document)).digest('hex')
}
