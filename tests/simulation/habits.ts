/** What a gateway does by habit where a planted bug may have it do something else. */
import type { Ask, Used } from '@headgate/domain/reservation'
import type { Call } from './plan.ts'

export type Habits = {
  /** Whose time a question is judged at. */
  judgedAtMs(storeNowMs: number, gatewayNowMs: number): number
  /** False: leases are never renewed. */
  readonly renews: boolean
  /** What a renewal tells of the tokens used so far. */
  told(tokens: number, ask: Ask): number
  /** What is told of a call that has ended; null: nothing. */
  endOf(ask: Ask, used: Used, call: Call): Used | null
  /** False: an end that got no answer is forgotten. */
  readonly sendsEndsAgain: boolean
  /** The id under which the same question is asked a second time. */
  secondId(id: string): string
  /** Which of a call's reservations are ended with it. */
  ended(asks: readonly Ask[]): readonly Ask[]
  /** When a call is settled, counted from where it began. */
  settledAfterMs(durationMs: number): number
}

export const goodHabits: Habits = {
  judgedAtMs: (storeNowMs) => storeNowMs,
  renews: true,
  told: (tokens) => tokens,
  endOf: (_ask, used) => used,
  sendsEndsAgain: true,
  secondId: (id) => id,
  ended: (asks) => asks,
  settledAfterMs: (durationMs) => durationMs,
}
