/** The SQL of re-ratings: the calls of a window page by page with what they cost so far, and what is added. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Agreement } from '@headgate/domain/agreement'
import type { Price } from '@headgate/domain/price'
import type { CostCorrection, Rerating } from '@headgate/domain/rerating'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { pageById } from '../../database/page.ts'
import type { ReratingRow, UsageRow } from '../../database/tables.ts'
import { writeCorrectionBatch } from '../../database/usage-batches.ts'

/** Included, and not included. */
export type Window = { readonly from: string; readonly to: string }

export async function listReratings(db: Database, query: PageQuery) {
  const { data, page } = await pageById(db.selectFrom('reratings').selectAll(), query)
  return { data: data.map(reratingOf), page }
}

export async function readRerating(db: Database, id: string): Promise<Rerating | undefined> {
  const row = await db.selectFrom('reratings').selectAll().where('id', '=', id).executeTakeFirst()
  return row && reratingOf(row)
}

type StoredRerating = Omit<ReratingRow, 'differences'> & Pick<Rerating, 'differences'>

function reratingOf({ fromAt, toAt, ...rest }: StoredRerating): Rerating {
  return { ...rest, from: fromAt, to: toAt }
}

/** Waits for another re-rating: two at once would each add the same difference. */
export async function lockReratings(db: Database): Promise<void> {
  await sql`select pg_advisory_xact_lock(7401, 6)`.execute(db)
}

export async function insertRerating(db: Database, { from, to, ...rest }: Rerating): Promise<void> {
  const row = { ...rest, fromAt: from, toAt: to, differences: JSON.stringify(rest.differences) }
  await db.insertInto('reratings').values(row).execute()
}

/** Where and by what deployments are priced, now. */
export async function readPriceBook(db: Database) {
  const places = await db
    .selectFrom('deployments')
    .innerJoin('resources', 'resources.id', 'deployments.resourceId')
    .select(['deployments.id', 'deployments.pricedAs', 'resources.id as resourceId', 'resources.apiStyle'])
    .execute()
  const prices: Price[] = await db.selectFrom('prices').selectAll().execute()
  const agreements: Agreement[] = await db.selectFrom('agreements').selectAll().execute()
  return { places, prices, agreements }
}

export async function countUsed(db: Database, { from, to }: Window): Promise<number> {
  const row = await db
    .selectFrom('usageRecords')
    .select(sql<number>`count(*)`.as('count'))
    .where('startedAt', '>=', from)
    .where('startedAt', '<', to)
    .where('costState', '<>', 'none')
    .executeTakeFirstOrThrow()
  return row.count
}

/** The next calls of a window that used something, oldest first. */
export function readUsed(
  db: Database,
  window: Window,
  after: UsageRow | null,
  limit: number,
): Promise<UsageRow[]> {
  let rows = db
    .selectFrom('usageRecords')
    .selectAll()
    .where('startedAt', '>=', after?.startedAt ?? window.from)
    .where('startedAt', '<', window.to)
    .where('costState', '<>', 'none')
    .orderBy('startedAt')
    .orderBy('requestId')
    .orderBy('attempt')
    .limit(limit)
  if (after !== null) {
    const { startedAt, requestId, attempt } = after
    rows = rows.where(
      sql<boolean>`(started_at, request_id, attempt) > (${startedAt}::timestamptz, ${requestId}, ${attempt})`,
    )
  }
  return rows.execute()
}

/** Adds the corrections, for sinks to read too. To be called with what the same transaction wrote down as the re-rating. */
export async function insertCorrections(
  db: Database,
  reratingId: string,
  corrections: readonly CostCorrection[],
): Promise<void> {
  if (corrections.length === 0) return
  await db
    .insertInto('costCorrections')
    .values(corrections.map((it) => ({ ...it, reratingId })))
    .execute()
  await writeCorrectionBatch(db, reratingId, corrections)
}
