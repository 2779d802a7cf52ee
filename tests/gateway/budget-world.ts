/** What tests of budgets share: a gateway with budgets of its owners, and what those have spent. */
import { type BudgetRule, BudgetRule as Rule } from '@headgate/domain/budget'
import { idSource } from '@headgate/domain/id'
import { openBudget } from '@headgate/domain/spend'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import type { DemoCatalogOptions } from './demo-catalog.ts'
import { type GatewayOptions, startGateway, type TestGateway } from './harness.ts'
import { chatBody, type RawReply, send } from './raw-client.ts'

const newId = idSource()
export const CENT = 10_000_000

export type Ids = Parameters<NonNullable<DemoCatalogOptions['budgets']>>[0]
export const ports = ['memory', 'Redis'] as const

/** A cent a month of an owner, which blocks, unless it is to be otherwise. */
export function budget(teamId: string, ownerId: string, changes: Partial<BudgetRule> = {}): BudgetRule {
  return Rule.parse({
    ...{ id: newId('bud', Date.now()), teamId, ownerId, name: 'Month', currency: 'USD', amountNanos: CENT },
    ...{
      period: { kind: 'month' },
      timeZone: 'UTC',
      steps: [{ action: 'block', atPercent: 100 }],
      ...changes,
    },
  })
}

/** The budget of the team of the demo, alone. */
export function ofTeam(changes: Partial<BudgetRule> = {}) {
  return { budgets: ({ teamId }: Ids) => [budget(teamId, teamId, changes)] }
}

export function errorOf({ body }: Pick<RawReply, 'body'>) {
  return JSON.parse(body.toString()).error
}

export function stateOf({ headers }: Pick<RawReply, 'headers'>): string | undefined {
  return headers['x-headgate-budget-state']
}

/** One gateway at a time; stop it after each test. */
export function budgetWorld() {
  let gateway: TestGateway
  return {
    get gateway() {
      return gateway
    },
    start: async (port: (typeof ports)[number], options: GatewayOptions): Promise<void> => {
      const redis = port === 'Redis' ? { redisUrl: await freshRedisUrl() } : {}
      gateway = await startGateway({ ...redis, ...options })
    },
    stop: () => gateway.stop(),
    ask: (model: string, more: object = {}) =>
      send(gateway.origin, {
        headers: { authorization: `Bearer ${gateway.keys.normal}` },
        body: chatBody(model, { max_tokens: 100, ...more }),
      }),
    /** What is spent and held of a budget, in its period of then. */
    spentOf: async (rule: BudgetRule, atMs = Date.now()): Promise<number> => {
      const { claim } = openedOf(rule, atMs)
      const [state] = await gateway.ledger.look([claim])
      return claim.limit - (state?.remaining ?? 0)
    },
  }
}

/** A budget in its period of then. @throws Error when it has none */
export function openedOf(rule: BudgetRule, atMs = Date.now()) {
  const open = openBudget(rule, '', atMs)
  if (open === null) throw new Error('it has no period then')
  return open
}
