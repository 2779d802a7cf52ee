/**
 * The ledger in Redis: limits that every gateway shares. All reservations of one turn of the event loop go
 * as one script call (one per hash slot in a cluster) and are judged there in one step; how they end goes in
 * another, a few milliseconds later.
 */
import { LEASE_MS } from '@headgate/domain/ledger'
import type { Ledger, Log } from '@headgate/domain/ports'
import { type Ask, type Pool, tagOf, type Used } from '@headgate/domain/reservation'
import { breaker } from './breaker.ts'
import type { RedisClient } from './client.ts'
import { Leases } from './leases.ts'
import { bookOf } from './ledger-batch.ts'
import { look, restore } from './look.ts'
import { Reservations } from './reservations.ts'
import { Resolutions } from './resolutions.ts'
import { readScript } from './script.ts'
import { splitBySlot } from './slot-split.ts'

export type RedisLedgerOptions = {
  readonly log: Log
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  /** How long a reservation may take; 50 ms. */
  readonly deadlineMs?: number
  /** How long a reservation outlives its gateway; 60 s. The same at all gateways. */
  readonly leaseMs?: number
}

export type RedisLedger = Ledger & {
  /** False while the breaker is open: Redis is not asked but for a probe each 500 ms. */
  isAvailable(): boolean
  /** Ends of reservations that Redis was never told of; their leases end them. */
  lostEnds(): number
  /** Charges what was used while this gateway judged alone. */
  charge(pool: Pool, amount: number): void
  /** Rejects what is under way, sends the last ends and stops. Close the client after it. */
  close(): void
}

const DEADLINE_MS = 50

/**
 * A ledger on a Redis client. In a cluster a call may hold claims of two slots, its team's and a quota's: then
 * the quota is asked first, and given back when the team refuses. Each question has the deadline to itself.
 */
export function redisLedger(client: RedisClient, options: RedisLedgerOptions): RedisLedger {
  // What it means is said by whoever judges instead; this would be a second line about the same change.
  const gate = breaker((open) => {
    if (open) options.log('debug', 'The ledger does not ask Redis for now: it fails or is too slow')
    else options.log('debug', 'The ledger asks Redis again', { lostEnds: resolutions.lost })
  })
  const prefix = options.prefix ?? 'hg:'
  const leaseMs = options.leaseMs ?? LEASE_MS
  const script = readScript('ledger')
  const resolutions = new Resolutions({ client, prefix, script, leaseMs, gate })
  const leases = new Leases(resolutions, leaseMs)
  const end = (ask: Ask, used: Used) =>
    resolutions.add({ op: 'settle', book: bookOf(ask.claims), id: ask.id, used })
  const reservations = new Reservations({
    client,
    prefix,
    script,
    leaseMs,
    gate,
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    admitted: (ask) => leases.hold(ask),
    giveBack: (ask) => resolutions.add({ op: 'give-back', book: bookOf(ask.claims), id: ask.id }),
  })

  const asks = splitBySlot({
    clustered: client.clustered,
    reserve: (ask) => {
      leases.open(bookOf(ask.claims))
      return reservations.reserve(ask)
    },
    judge: (ask) => reservations.judge(ask),
    giveBack: (ask) => {
      leases.release(ask)
      return reservations.giveBack(ask)
    },
    settle: (ask, used) => {
      if (leases.release(ask)) end(ask, used)
    },
  })
  return {
    reserve: asks.reserve,
    settle: asks.settle,
    progress: (ask, tokens, nanos) => asks.each(ask, (part) => leases.progress(part, tokens, nanos)),
    look: (pools, teamIds = []) => look({ client, prefix, script }, pools, teamIds),
    restore: (teamId, additions) => restore({ client, prefix, script }, teamId, additions),
    charge: (pool, amount) => {
      leases.open(tagOf(pool.bucket))
      resolutions.add({ op: 'charge', pool, amount, id: `charge_${crypto.randomUUID()}` })
    },
    isAvailable: () => !gate.isOpen(),
    lostEnds: () => resolutions.lost,
    close: () => {
      leases.close()
      resolutions.close()
      reservations.close()
    },
  }
}
