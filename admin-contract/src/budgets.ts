/** Budgets in the admin API: money that owners may spend in a period, what was spent, and when people were told. */
import {
  Budget,
  BudgetChange,
  BudgetEventId,
  BudgetId,
  BudgetState,
  NewBudget,
} from '@headgate/domain/budget'
import {
  BudgetOverride,
  BudgetOverrideChange,
  BudgetOverrideState,
  NewBudgetOverride,
} from '@headgate/domain/budget-override'
import { LimitOwnerId } from '@headgate/domain/limit'
import { Currency } from '@headgate/domain/price'
import { TeamId } from '@headgate/domain/team'
import { z } from 'zod'
import { operation } from './operation.ts'
import { NamePart, PageQuery, pageOf } from './page.ts'
import { thingOperations } from './thing.ts'

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
  /** That of the budget, and what overrides add to it now. */
  amountNanos: Nanos,
  /** What of the amount overrides add. */
  overrideNanos: Nanos,
  /** When that changes next: one of them ends, or another begins; null where none does. */
  overrideChangesAt: Instant.nullable(),
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

const plain = thingOperations({
  path: '/budgets',
  id: 'budgetId',
  thing: 'budget',
  called: 'a budget',
  shape: Budget,
  create: NewBudget,
  change: BudgetChange,
  sorts: ['created_at', 'name', 'amount_nanos'],
  filters: {
    ...Whose,
    currency: Currency.optional(),
    archived: z.enum(['true', 'false']).default('false').meta({ description: 'With those that were ended.' }),
    q: NamePart,
  },
  readRight: 'budgets.read',
  writeRight: 'budgets.write',
  changesCatalog: true,
  notes: {
    create: 'It counts what its owner has spent since its period began.',
    change: 'What was spent stays too.',
  },
})

export const budgets = {
  ...plain,
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
  remove: operation({
    ...plain.remove,
    summary: 'Ends a budget: it counts and refuses nothing any more, and is kept with its history.',
  }),
}

/** What is added to budgets for a time, while the budgets stay as they are. */
const overrides = thingOperations({
  path: '/budget-overrides',
  id: 'overrideId',
  thing: 'budget-override',
  called: 'a budget override',
  shape: BudgetOverride,
  create: NewBudgetOverride,
  change: BudgetOverrideChange,
  sorts: ['created_at', 'effective_from', 'effective_to'],
  filters: {
    teamId: TeamId.optional(),
    budgetId: BudgetId.optional(),
    state: BudgetOverrideState.optional().meta({ description: 'Only those that are so now.' }),
  },
  readRight: 'budgets.read',
  writeRight: 'budgets.write',
  changesCatalog: true,
  notes: {
    create:
      'It adds to the amount of a budget, to the end of its period unless told otherwise, and ends by itself.',
    change: 'One that has ended stays as it was.',
  },
})

export const budgetOverrides = {
  ...overrides,
  remove: operation({
    ...overrides.remove,
    summary:
      'Takes a budget override back: one that adds to its budget ends now and is kept, one that is still to come is removed.',
  }),
}
