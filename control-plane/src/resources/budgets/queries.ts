/** The SQL of budgets: their rows, what was spent by them, and when people were told. */
import type { BudgetEvent } from '@headgate/admin-contract/budgets'
import type { Page, PageQuery } from '@headgate/admin-contract/page'
import type { Budget, BudgetRule } from '@headgate/domain/budget'
import type { BudgetOverrideState } from '@headgate/domain/budget-override'
import { ownerKindOf } from '@headgate/domain/limit'
import type { Period } from '@headgate/domain/period'
import { UNBOUNDED } from '@headgate/domain/reservation'
import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import { withRaises } from '../../database/budget-overrides.ts'
import type { Database } from '../../database/open.ts'
import { ownerName, usageColumnOf } from '../../database/owner.ts'
import { pageById } from '../../database/page.ts'
import type { Tables } from '../../database/tables.ts'

/** What a budget has; the table has its owner once more. */
export const budgetColumns = [
  ...(['id', 'teamId', 'ownerId', 'name', 'currency', 'amountNanos', 'period', 'timeZone', 'steps'] as const),
  ...(['createdAt', 'archivedAt'] as const),
] as const satisfies readonly (keyof Budget)[]

/** With the overrides that have not ended. */
export type PublishedBudget = Budget & Pick<BudgetRule, 'overrides'>

export type BudgetFilter = {
  teamId?: string | undefined
  ownerId?: string | undefined
  budgetId?: string | undefined
}

/** Locks the budget until the transaction ends, so that a change is judged on what it is applied to. */
export function lockBudget(db: Database, id: string): Promise<Budget | undefined> {
  return db
    .selectFrom('budgets')
    .select([...budgetColumns])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

/** What the catalog holds: all but those of keys, which travel with their keys. */
export async function readCatalogBudgets(db: Database): Promise<PublishedBudget[]> {
  return withRaises(db, await runningBudgets(db).where('ownerKeyId', 'is', null).execute())
}

/** The budgets of these keys. */
export async function readBudgetsOfKeys(db: Database, keyIds: readonly string[]): Promise<PublishedBudget[]> {
  return withRaises(db, await runningBudgets(db).where('ownerKeyId', 'in', keyIds).execute())
}

function runningBudgets(db: Database) {
  return db
    .selectFrom('budgets')
    .select([...budgetColumns])
    .where('archivedAt', 'is', null)
    .orderBy('id')
}

export function endBudget(db: Database, id: string, archivedAt: string): Promise<Budget> {
  return db
    .updateTable('budgets')
    .set({ archivedAt })
    .where('id', '=', id)
    .returning([...budgetColumns])
    .executeTakeFirstOrThrow()
}

export async function countBudgetsOf(db: Database, ownerId: string): Promise<number> {
  const row = await db
    .selectFrom('budgets')
    .select((it) => it.fn.countAll<number>().as('count'))
    .where('ownerId', '=', ownerId)
    .where('archivedAt', 'is', null)
    .executeTakeFirstOrThrow()
  return row.count
}

/** Names of model aliases that do not exist. */
export async function unknownModels(db: Database, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await db.selectFrom('modelAliases').select('name').where('name', 'in', names).execute()
  const known = new Set(rows.map((row) => row.name))
  return names.filter((name) => !known.has(name))
}

/** What the owner of a budget spent in a period, by the records that are stored and what re-ratings added to them. */
export async function sumRecords(
  db: Database,
  { ownerId, currency }: Budget,
  period: Period,
): Promise<{ nanos: number; unpriced: number }> {
  const owner = sql.ref(usageColumnOf[ownerKindOf(ownerId)])
  const [from, to] = [period.fromMs, period.toMs].map((ms) => new Date(ms).toISOString())
  const isMeant = sql`${owner} = ${ownerId} and started_at >= ${from}::timestamptz and started_at < ${to}::timestamptz`
  const { rows } = await sql<{ nanos: number; unpriced: number }>`
    select greatest(0, least(${UNBOUNDED}::bigint, coalesce(sum(nanos), 0)))::bigint as nanos,
      greatest(0, coalesce(sum(unpriced), 0))::bigint as unpriced
    from (
      select case when currency = ${currency} then cost_nanos end as nanos, (cost_state = 'unknown')::int as unpriced
        from usage_records where ${isMeant}
      union all
      select case when currency = ${currency} then nanos end, -newly_priced::int from cost_corrections where ${isMeant}
    ) as costs`.execute(db)
  return rows[0] ?? { nanos: 0, unpriced: 0 }
}

/** Budgets that are not ended, with the names of their owners and the overrides that have not ended, up to so many. */
export async function readLiveBudgets(db: Database, filter: BudgetFilter, countMax: number) {
  const rows = await filtered(db.selectFrom('budgets').select([...budgetColumns]), filter)
    .select(ownerName.as('ownerName'))
    .where('archivedAt', 'is', null)
    .orderBy('id', 'desc')
    .limit(countMax)
    .execute()
  return withRaises(db, rows)
}

/** Overrides of a budget that have not ended. */
export async function countOverridesOf(db: Database, budgetId: string, now: string): Promise<number> {
  const row = await db
    .selectFrom('budgetOverrides')
    .select((it) => it.fn.countAll<number>().as('count'))
    .where('budgetId', '=', budgetId)
    .where('effectiveTo', '>', now)
    .executeTakeFirstOrThrow()
  return row.count
}

/** Overrides that are to come, add to their budget, or have ended, at an instant. */
export function overridesThatAre(state: BudgetOverrideState, now: string): RawBuilder<boolean> {
  if (state === 'ended') return sql`effective_to <= ${now}`
  return state === 'coming'
    ? sql`effective_from > ${now} and effective_to > ${now}`
    : sql`effective_from <= ${now} and effective_to > ${now}`
}

/** The sums of these budgets in periods that are not over. */
export function readSums(db: Database, budgetIds: readonly string[], now: string) {
  return db
    .selectFrom('budgetSpend')
    .select(['budgetId', 'periodFrom', 'spentNanos', 'unpricedCalls'])
    .where('budgetId', 'in', budgetIds.length === 0 ? [''] : budgetIds)
    .where('periodTo', '>', now)
    .execute()
}

export async function listEvents(db: Database, query: PageQuery & BudgetFilter): Promise<Page<BudgetEvent>> {
  const which = filtered(db.selectFrom('budgets').select('id'), query)
  return pageById(db.selectFrom('budgetEvents').selectAll().where('budgetId', 'in', which), query)
}

function filtered<O>(
  rows: SelectQueryBuilder<Tables, 'budgets', O>,
  { teamId, ownerId, budgetId }: BudgetFilter,
): SelectQueryBuilder<Tables, 'budgets', O> {
  let some = rows
  if (teamId !== undefined) some = some.where('teamId', '=', teamId)
  if (ownerId !== undefined) some = some.where('ownerId', '=', ownerId)
  return budgetId === undefined ? some : some.where('id', '=', budgetId)
}
