/**
 * The ledger in Redis: limits that every gateway shares. All reservations of one turn of the event loop go
 * as one script call (one per hash slot in a cluster) and are judged there in one step; so do settlements.
 */
import type { Ledger, Log } from '@headgate/domain/ports'
import { breaker } from './breaker.ts'
import type { RedisClient } from './client.ts'
import { Reservations } from './reservations.ts'
import { Settlements } from './settlements.ts'

export type RedisLedgerOptions = {
  readonly log: Log
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  /** How long a reservation may take; 50 ms. */
  readonly deadlineMs?: number
}

export type RedisLedger = Ledger & {
  /** False while the breaker is open: Redis is not asked but for a probe each 500 ms. */
  isAvailable(): boolean
  /** Corrections never told to Redis: it was away when they were due. */
  lostCorrections(): number
  /** Rejects what is under way, sends the last settlements and stops. Close the client after it. */
  close(): void
}

const DEADLINE_MS = 50

/**
 * A ledger on a Redis client. Claims of one call must share one hash tag (the part of `bucket` in braces).
 * A reservation that Redis does not answer within the deadline is refused; should the answer come later
 * after all, what was taken is given back.
 */
export function redisLedger(client: RedisClient, options: RedisLedgerOptions): RedisLedger {
  const gate = breaker((open) => {
    if (open) options.log('warn', 'The ledger does not ask Redis for now: it fails or is too slow')
    else options.log('info', 'The ledger asks Redis again', { lostCorrections: settlements.lost })
  })
  const prefix = options.prefix ?? 'hg:'
  const settlements = new Settlements({ client, prefix, gate })
  const reservations = new Reservations({
    client,
    prefix,
    gate,
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    giveBack: (corrections) => settlements.add(corrections),
  })
  return {
    reserve: (claims) => reservations.reserve(claims),
    settle: (corrections) => settlements.add(corrections),
    isAvailable: () => !gate.isOpen(),
    lostCorrections: () => settlements.lost,
    close: () => {
      settlements.flush()
      reservations.close()
    },
  }
}
