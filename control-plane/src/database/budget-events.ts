/**
 * Writes down that budgets reached a part of their amount, or will be overrun: once for each kind, part and period,
 * and in the same transaction to the outbox, so that whoever is told is told once as well.
 */
import { idSource } from '@headgate/domain/id'
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import type { Period } from '@headgate/domain/period'
import type { Database } from './open.ts'
import { writeOutbox } from './outbox.ts'
import { ownerName } from './owner.ts'

type Noted = {
  readonly budgetId: string
  readonly period: Period
  readonly atPercent: number
  readonly spentNanos: number
  readonly amountNanos: number
  /** Null where a part was reached. */
  readonly forecastNanos: number | null
}

/** Notes what was not noted yet. */
export async function noteBudgetEvents(db: Database, noted: readonly Noted[], nowMs: number): Promise<void> {
  if (noted.length === 0) return
  const newId = idSource()
  const at = new Date(nowMs).toISOString()
  const inserted = await db
    .insertInto('budgetEvents')
    .values(
      noted.map(({ period, ...it }) => ({
        ...({
          ...it,
          id: newId('bev', nowMs),
          at,
          kind: it.forecastNanos === null ? 'reached' : 'forecast',
        } as const),
        ...{
          periodFrom: new Date(period.fromMs).toISOString(),
          periodTo: new Date(period.toMs).toISOString(),
        },
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .execute()
  if (inserted.length === 0) return
  const budgets = await db
    .selectFrom('budgets')
    .select(['id', 'name', 'teamId', 'ownerId', 'currency', ownerName.as('ownerName')])
    .where(
      'id',
      'in',
      inserted.map((it) => it.budgetId),
    )
    .execute()
  const budgetOf = new Map(budgets.map((it) => [it.id, it]))
  const events = inserted.flatMap(({ id, kind, at: _, ...figures }): OutboxEvent[] => {
    const budget = budgetOf.get(figures.budgetId)
    if (budget === undefined) return []
    const { name: budgetName, id: __, ...whose } = budget
    const data = { budgetEventId: id, budgetName, ...whose, ...figures }
    return [{ id: newId('evt', nowMs), at, type: `budget.${kind}`, data }]
  })
  await writeOutbox(db, events)
}
