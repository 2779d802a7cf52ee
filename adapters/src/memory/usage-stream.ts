/** Both ends of the usage stream in this process alone, for standalone use and tests. */
import type { UsageBatch, UsageSource, UsageStream } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'

export type MemoryUsageOptions = {
  /** How many records wait at most; beyond it the oldest go. 100 000. */
  readonly recordsMax?: number
  /** How long a batch may stay unconfirmed before it comes again; 60 s. */
  readonly redeliverAfterMs?: number
}

export type MemoryUsageStream = UsageStream & UsageSource & { dropped(): number }

/** Keeps records until somebody takes and confirms them. `flush` has nothing to wait for. */
export function memoryUsageStream(options: MemoryUsageOptions = {}): MemoryUsageStream {
  const recordsMax = options.recordsMax ?? 100_000
  const redeliverAfterMs = options.redeliverAfterMs ?? 60_000
  const waiting: UsageRecord[] = []
  const taken = new Set<{ records: UsageRecord[]; atMs: number }>()
  const takers: (() => void)[] = []
  let dropped = 0

  function append(record: UsageRecord): void {
    waiting.push(record)
    if (waiting.length > recordsMax) {
      const excess = Math.ceil(recordsMax / 100)
      waiting.splice(0, excess)
      dropped += excess
    }
    for (const wake of takers.splice(0)) wake()
  }

  async function take(countMax: number, waitMs: number): Promise<UsageBatch> {
    takeBack()
    if (waiting.length === 0) await newsWithin(waitMs)
    const batch = { records: waiting.splice(0, countMax), atMs: performance.now() }
    if (batch.records.length > 0) taken.add(batch)
    return { records: batch.records, confirm: async () => void taken.delete(batch) }
  }

  function takeBack(): void {
    for (const batch of taken) {
      if (performance.now() - batch.atMs < redeliverAfterMs) continue
      taken.delete(batch)
      waiting.unshift(...batch.records)
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

  return { append, take, flush: () => Promise.resolve(), dropped: () => dropped }
}
