/** Bugs planted in what gateways do: the ledger is right, but what it is told, or asked, is not. */
import { unsent } from '@headgate/domain/reservation'
import type { Habits } from './habits.ts'

export type HabitBug = { readonly name: string; readonly habits: Partial<Habits> }

export const habitBugs: readonly HabitBug[] = [
  {
    name: 'calls are judged at the time of the gateway',
    habits: { judgedAtMs: (_storeNowMs, gatewayNowMs) => Math.max(0, gatewayNowMs) },
  },
  { name: 'leases are not renewed', habits: { renews: false } },
  { name: 'renewals tell nothing of what was used', habits: { told: (_tokens, ask) => ask.tokensAtLeast } },
  { name: 'renewals tell the estimate', habits: { told: (_tokens, ask) => ask.tokens } },
  {
    name: 'calls are settled with their estimate',
    habits: { endOf: (ask, used) => ({ ...used, tokens: used.sent ? ask.tokens : 0 }) },
  },
  {
    name: 'calls cost their estimate',
    habits: { endOf: (ask, used) => ({ ...used, nanos: used.sent ? (ask.nanos ?? 0) : 0 }) },
  },
  {
    name: 'a call that moved is settled on its first quota',
    habits: { endOf: (_ask, used, call) => (used.sent ? { ...used, quotaId: call.quotaId } : used) },
  },
  {
    name: 'a call without a verdict is not given back',
    habits: { endOf: (_ask, used) => (used.sent ? used : null) },
  },
  {
    name: 'a call without a verdict is told to be used',
    habits: {
      endOf: (ask, used, call) =>
        used.sent ? used : { sent: true, tokens: ask.tokensAtLeast, quotaId: call.quotaId },
    },
  },
  { name: 'what was served is given back', habits: { endOf: () => unsent } },
  { name: 'ends without an answer are forgotten', habits: { sendsEndsAgain: false } },
  { name: 'a question asked again gets a new id', habits: { secondId: (id) => `${id}.9` } },
  { name: 'the second reservation of a call is never ended', habits: { ended: (asks) => asks.slice(0, 1) } },
  { name: 'only the second reservation of a call is ended', habits: { ended: (asks) => asks.slice(-1) } },
  {
    name: 'a stream is settled when it begins',
    habits: { settledAfterMs: (durationMs) => Math.min(1, durationMs - 1) },
  },
]
