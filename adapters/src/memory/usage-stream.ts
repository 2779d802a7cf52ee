/** Both ends of the way from the journal to the control plane in this process alone, for standalone use and tests. */
import type { UsageBatch, UsageSource } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { Outlet } from '../journal/outlet.ts'
import { readRecords } from '../usage-text.ts'

export type MemoryUsageOptions = {
  /** How long a batch may stay unconfirmed before it comes again; 60 s. */
  readonly redeliverAfterMs?: number
}

type Waiting = { readonly number: number; readonly records: readonly UsageRecord[] }
type Taken = { readonly parcels: readonly Waiting[]; readonly atMs: number }

export type MemoryUsageStream = Outlet &
  UsageSource & {
    /** Puts a record there that no journal holds. */
    append(record: UsageRecord): void
  }

/** Keeps parcels until somebody takes and confirms them. How many there may be, the shipper knows. */
export function memoryUsageStream(options: MemoryUsageOptions = {}): MemoryUsageStream {
  const redeliverAfterMs = options.redeliverAfterMs ?? 60_000
  const waiting: Waiting[] = []
  const taken = new Set<Taken>()
  const takers: (() => void)[] = []
  const committed: number[] = []

  async function take(countMax: number, waitMs: number): Promise<UsageBatch> {
    takeBack()
    if (waiting.length === 0) await newsWithin(waitMs)
    const batch = { parcels: some(countMax), atMs: performance.now() }
    if (batch.parcels.length > 0) taken.add(batch)
    return {
      records: batch.parcels.flatMap((it) => it.records),
      confirm: async () => {
        if (taken.delete(batch))
          committed.push(...batch.parcels.map((it) => it.number).filter((number) => number > 0))
      },
    }
  }

  /** Whole parcels up to the count, at least one. */
  function some(countMax: number): Waiting[] {
    let [parcels, records] = [0, 0]
    for (const it of waiting) {
      if (parcels > 0 && records + it.records.length > countMax) break
      parcels += 1
      records += it.records.length
    }
    return waiting.splice(0, parcels)
  }

  function takeBack(): void {
    for (const batch of taken) {
      if (performance.now() - batch.atMs < redeliverAfterMs) continue
      taken.delete(batch)
      waiting.unshift(...batch.parcels)
    }
  }

  function newsWithin(waitMs: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, waitMs)
      takers.push(() => {
        clearTimeout(timer)
        done()
      })
    })
  }

  function put(number: number, records: readonly UsageRecord[]): void {
    waiting.push({ number, records })
    for (const wake of takers.splice(0)) wake()
  }

  return {
    take,
    append: (record) => put(0, [record]),
    send: async ({ number, texts }) => {
      put(number, readRecords(`[${texts.join(',')}]`).records)
      return ''
    },
    holds: async () => true,
    committed: async () => committed.splice(0),
  }
}
