/**
 * Gives a sink once more what it refused and somebody wants to be tried again. That comes after all that is new, so that
 * what fails here holds up nothing else.
 */
import type { Log, UsageSink } from '@headgate/domain/ports'
import { entryId } from '@headgate/domain/sink-entry'
import type { Database } from '../database/open.ts'
import { endRetries, readAsides, readRetries } from '../database/sink-refusals.ts'

/** Few: a sink that refuses many and takes none may say that it is itself at fault, and then nothing would be known. */
const AT_ONCE = 10
const GONE = 'its record is no longer kept'

export type RetryPlan = {
  readonly db: Database
  readonly log: Log
  readonly sink: UsageSink
  readonly signal: AbortSignal
  /** True when the rest is better left to the next run. */
  readonly isLate: () => boolean
}

/** @throws SinkFault when the sink could not say of each whether it takes it; they are tried again then */
export async function retryRefusals(plan: RetryPlan): Promise<void> {
  const { db, log, sink, signal } = plan
  const known = await db
    .selectFrom('usageSinks')
    .select('id')
    .where('name', '=', sink.name)
    .where('target', '=', sink.target)
    .executeTakeFirst()
  if (known === undefined) return
  const sums = { taken: 0, refused: 0 }
  while (!signal.aborted && !plan.isLate()) {
    const asked = await readRetries(db, known.id, AT_ONCE)
    if (asked.length === 0) break
    const entries = await readAsides(db, asked)
    const there = new Set(entries.map(entryId))
    const gone = asked.filter(({ id }) => !there.has(id)).map(({ id }) => ({ id, reason: GONE }))
    const refused = entries.length === 0 ? gone : [...gone, ...(await sink.write(entries, signal))]
    const isRefused = new Set(refused.map(({ id }) => id))
    const taken = asked.map(({ id }) => id).filter((id) => !isRefused.has(id))
    await endRetries(db, known.id, { taken, refused })
    sums.taken += taken.length
    sums.refused += refused.length
  }
  if (sums.taken + sums.refused > 0)
    log('info', 'a sink was given again what it had refused', { sink: sink.name, ...sums })
}
