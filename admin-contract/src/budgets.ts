/** Budgets in the admin API: money that owners may spend in a period, what was spent, and when people were told. */
import {
  Budget,
  BudgetChange,
  BudgetEventId,
  BudgetId,
  BudgetState,
  NewBudget,
} from '@headgate/domain/budget'
import { LimitOwnerId } from '@headgate/domain/limit'
import { TeamId } from '@headgate/domain/team'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

const Nanos = z.int().min(0)
const Instant = z.iso.datetime()

/** A budget as it stands in its period. Money is nanos of its currency. */
export const LiveBudget = z.object({
  budgetId: BudgetId,
  ownerId: LimitOwnerId,
  /** As refusals call it. */
  ownerName: z.string(),
  name: z.string(),
  currency: z.string(),
  amountNanos: Nanos,
  /** Null where it has none now: not begun yet, or over. */
  period: z.object({ from: Instant, to: Instant }).nullable(),
  state: BudgetState,
  /** What gateways judge by; null where the ledger cannot be asked, or has not counted yet. */
  now: z
    .object({
      spentNanos: Nanos,
      /** What calls under way hold. */
      heldNanos: Nanos,
      /** What is left of the amount. */
      freeNanos: Nanos,
    })
    .nullable(),
  /** The sum of the usage records that have arrived. */
  recordedNanos: Nanos,
  /** Recorded calls that cost nobody knows how much. */
  unpricedCalls: z.int().min(0),
  /** Of the amount, spent and held. */
  usedPercent: z.number().min(0),
  /** What will have been spent at the end of the period, if it goes on as it has; null in its first hundredth. */
  forecastNanos: Nanos.nullable(),
  /** When the amount will have been spent, if that is within the period. */
  runsOutAt: Instant.nullable(),
})
export type LiveBudget = z.infer<typeof LiveBudget>

/** A budget reached a part of its amount, or will be overrun. Once for each kind, part and period. */
export const BudgetEvent = z.object({
  id: BudgetEventId,
  budgetId: BudgetId,
  periodFrom: z.iso.datetime({ offset: true }),
  periodTo: z.iso.datetime({ offset: true }),
  atPercent: z.int().min(1),
  /** By the usage records, when it was noticed. */
  spentNanos: Nanos,
  amountNanos: Nanos,
  /** `forecast`: it will be overrun if it goes on as it has. */
  kind: z.enum(['reached', 'forecast']),
  /** Of a forecast: what will have been spent when the period ends. */
  forecastNanos: Nanos.nullable(),
  at: z.iso.datetime({ offset: true }),
})
export type BudgetEvent = z.infer<typeof BudgetEvent>

/** Whose budgets are meant; all of them when nothing is said. */
const Whose = { teamId: TeamId.optional(), ownerId: LimitOwnerId.optional() }

export const budgets = {
  list: operation({
    method: 'GET',
    path: '/budgets',
    right: 'budgets.read',
    summary: 'Lists budgets, newest first; of one team or owner if asked, ended ones too if asked.',
    query: PageQuery.extend({
      ...Whose,
      archived: z
        .enum(['true', 'false'])
        .default('false')
        .meta({ description: 'With those that were ended.' }),
    }),
    reply: pageOf(Budget),
  }),
  live: operation({
    method: 'GET',
    path: '/budgets/live',
    right: 'budgets.read',
    summary: 'Shows budgets live: spent, held, free and forecast, of one budget, owner or team, or of all.',
    query: z.strictObject({ ...Whose, budgetId: BudgetId.optional() }),
    reply: z.object({ asOf: Instant, data: z.array(LiveBudget), truncated: z.boolean() }),
  }),
  events: operation({
    method: 'GET',
    path: '/budgets/events',
    right: 'budgets.read',
    summary:
      'Lists when budgets reached a part of their amount or were foreseen to be overrun, newest first.',
    query: PageQuery.extend({ ...Whose, budgetId: BudgetId.optional() }),
    reply: pageOf(BudgetEvent),
  }),
  create: operation({
    method: 'POST',
    path: '/budgets',
    right: 'budgets.write',
    audit: 'budget.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a budget. It counts what its owner has spent since its period began.',
    body: NewBudget,
    reply: Budget,
  }),
  read: operation({
    method: 'GET',
    path: '/budgets/{budgetId}',
    right: 'budgets.read',
    summary: 'Reads one budget.',
    reply: Budget,
  }),
  change: operation({
    method: 'PATCH',
    path: '/budgets/{budgetId}',
    right: 'budgets.write',
    audit: 'budget.changed',
    changesCatalog: true,
    status: 200,
    summary: 'Changes name, amount or steps; what is left out stays, what was spent too.',
    body: BudgetChange,
    reply: Budget,
  }),
  archive: operation({
    method: 'DELETE',
    path: '/budgets/{budgetId}',
    right: 'budgets.write',
    audit: 'budget.archived',
    changesCatalog: true,
    status: 200,
    summary: 'Ends a budget: it counts and refuses nothing any more, and is kept with its history.',
    reply: Budget,
  }),
}
