/**
 * The ledger in this process alone: for standalone use without Redis, for tests, and as the stand-in while
 * Redis is away. It is the rule of the domain with a clock; nothing is shared and nothing survives a restart.
 */
import { LedgerBook, type LedgerBookOptions } from '@headgate/domain/ledger'
import type { Clock, Ledger } from '@headgate/domain/ports'

export type MemoryLedger = Ledger & {
  /** Reservations without an end yet. */
  openCount(): number
}

/**
 * A ledger in memory. Reservations end with their process, so leases matter only where a caller forgets one:
 * they are looked over when the next call comes.
 */
export function memoryLedger(
  clock: Pick<Clock, 'monotonicMs'>,
  options: LedgerBookOptions = {},
): MemoryLedger {
  const book = new LedgerBook(options)
  let reapedAtMs = clock.monotonicMs()

  function reap(nowMs: number): void {
    if (nowMs - reapedAtMs < REAP_EACH_MS) return
    reapedAtMs = nowMs
    book.reap(nowMs)
  }

  return {
    reserve: async (ask) => {
      const nowMs = clock.monotonicMs()
      reap(nowMs)
      return book.reserve(ask, nowMs)
    },
    settle: (ask, used) => book.settle(ask.id, used, clock.monotonicMs()),
    progress: (ask, tokens, nanos) => book.renew(ask.id, tokens, clock.monotonicMs(), nanos),
    look: async (pools) =>
      pools.map((pool) => ({ ...book.stateOf(pool, clock.monotonicMs()), held: book.heldOf(pool) })),
    restore: async (teamId, additions) => {
      for (const { pool, amount } of additions) book.charge(pool, amount, clock.monotonicMs())
      book.begin(`{${teamId}}`)
    },
    openCount: () => book.openCount,
  }
}

const REAP_EACH_MS = 5_000
