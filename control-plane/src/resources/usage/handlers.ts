/** What the admin API does with usage: shows records, and adds them up. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { Money, UsageSum, usage } from '@headgate/admin-contract/usage'
import type { HandlerContext } from '../context.ts'
import { fieldFault } from '../context.ts'
import { GROUPS_MAX, listUsage, sumUsage, type UsageGroup } from './queries.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NANOS = 1_000_000_000n

export const usageHandlers: Handlers<typeof usage, HandlerContext> = {
  list: ({ query }, { db }) => listUsage(db, query),
  sum: async ({ query }, { db, nowMs }) => {
    const { by, ...filter } = query
    const to = filter.to ?? new Date(nowMs).toISOString()
    const from = filter.from ?? new Date(Date.parse(to) - DAY_MS).toISOString()
    if (Date.parse(from) >= Date.parse(to)) throw emptySpan()
    const sums = mergeGroups(await sumUsage(db, { ...filter, from, to }, by))
    return { from, to, by, data: sums.slice(0, GROUPS_MAX), truncated: sums.length > GROUPS_MAX }
  },
}

function emptySpan() {
  return fieldFault('?from', {
    code: 'empty_span',
    message: 'not before `to`',
    fix: 'Send an earlier `from` or a later `to`.',
  })
}

/** Puts together the currencies of each value; most calls first, then by value. */
export function mergeGroups(groups: readonly UsageGroup[]): UsageSum[] {
  const sums = new Map<string | null, UsageSum>()
  for (const group of groups) {
    const sum = sums.get(group.value) ?? emptySum(group.value)
    sums.set(group.value, sum)
    sum.calls += group.calls
    sum.callsWithoutPrice += group.unpriced
    for (const kind of ['input', 'cachedInput', 'output', 'reasoning'] as const) {
      sum.tokens[kind] += group[kind]
    }
    if (group.currency !== null && group.nanos !== null) sum.costs.push(moneyOf(group.nanos, group.currency))
  }
  for (const sum of sums.values()) sum.costs.sort((a, b) => (a.currency < b.currency ? -1 : 1))
  return [...sums.values()].sort((a, b) => b.calls - a.calls || ((a.value ?? '') < (b.value ?? '') ? -1 : 1))
}

function emptySum(value: string | null): UsageSum {
  const tokens = { input: 0, cachedInput: 0, output: 0, reasoning: 0 }
  return { value, calls: 0, tokens, costs: [], callsWithoutPrice: 0 }
}

/** Nanos as decimal text, exact, with at least two decimals: `1500000000` is `1.50`. A correction can make it negative. */
export function moneyOf(nanos: string, currency: string): Money {
  const size = BigInt(nanos.replace('-', ''))
  const fraction = (size % NANOS)
    .toString()
    .padStart(9, '0')
    .replace(/0{1,7}$/, '')
  return { amount: `${nanos.startsWith('-') ? '-' : ''}${size / NANOS}.${fraction}`, currency }
}
