/**
 * Feeds a sink: what was stored since, and the records of the past if it was asked for them. A sink is given entries
 * first and moved then, so that one that is killed in between gives them again, with the same ids. Each sink has
 * a job and a lock of its own: one that is slow or away holds up nobody, and what is stored waits for none.
 */
import type { IdPrefix } from '@headgate/domain/id'
import type { Clock, Log, UsageSink } from '@headgate/domain/ports'
import { redact } from '@headgate/domain/redaction'
import { SinkFault } from '@headgate/domain/sink'
import { entryId, entryPlace, type RefusedEntry, type SinkEntry } from '@headgate/domain/sink-entry'
import type { Database } from '../database/open.ts'
import type { Aside } from '../database/sink-refusals.ts'
import { readBackfill } from '../database/usage-backfill.ts'
import { forgetBatches, givePositions, readPortion } from '../database/usage-batches.ts'
import {
  beginStep,
  endStep,
  type Given,
  noteFailure,
  noteSuccess,
  registerSink,
  type SinkPlace,
  tellLag,
} from '../database/usage-sinks.ts'
import { retryRefusals } from './retry-refusals.ts'
import { type Job, jitteredMs, pause } from './scheduler.ts'

const EVERY_MS = 1_000
/** Of the first sink; each has one. */
const FIRST_LOCK = 70
/** What is given at once. */
const ENTRIES_MAX = 2_000
const RETRY = { minMs: 200, maxMs: 60_000 } as const
/** Then another process may go on. */
const RUN_MS = 60_000
const FAULT_LENGTH_MAX = 300

export type FeedPlan = {
  readonly db: Database
  readonly log: Log
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>
  readonly newId: (prefix: IdPrefix, nowMs: number) => string
  /** From where on a sink is behind by too much. */
  readonly lagSecondsMax: number
}

/** A job for each sink. */
export function feedSinks(plan: FeedPlan, sinks: readonly UsageSink[]): Job[] {
  return sinks.map((sink, nth) => {
    const feeder = sinkFeeder(plan, sink)
    return { name: `feed-sink-${sink.name}`, everyMs: EVERY_MS, lock: FIRST_LOCK + nth, run: feeder.run }
  })
}

/** One sink and what this process remembers of feeding it. */
export function sinkFeeder(plan: FeedPlan, sink: UsageSink) {
  const { db, log, clock } = plan
  let isReady = false
  let failures = 0

  const begin = async (signal: AbortSignal) => {
    const nowMs = clock.nowMs()
    const { lagSecondsMax } = plan
    const made = { id: plan.newId('snk', nowMs), now: new Date(nowMs).toISOString(), lagSecondsMax }
    if (await registerSink(db, sink, made)) log('info', 'a sink is switched on', namesOf(sink))
    await sink.check(signal)
    isReady = true
  }
  const failed = async (fault: unknown, signal: AbortSignal) => {
    failures += 1
    const reason = reasonOf(fault)
    if (Number.isInteger(Math.log2(failures)))
      log('warn', 'a sink cannot be fed and will be tried again', { ...namesOf(sink), failures, reason })
    await noteFailure(db, sink.name, reason)
    const askedMs = fault instanceof SinkFault ? fault.retryAfterMs : null
    // A sink that says how long is taken at its word, however often it says so.
    await pause(askedMs === null ? jitteredMs(failures, RETRY) : askedMs + jitteredMs(1, RETRY), signal)
  }
  const judgeLag = async () => {
    const nowMs = clock.nowMs()
    const event = { id: plan.newId('evt', nowMs), at: new Date(nowMs).toISOString() }
    const told = await tellLag(db, sink.name, event)
    if (told === null) return
    const fields = { ...namesOf(sink), lagSeconds: told.lagSeconds }
    if (told.isLagging)
      log('warn', 'a sink is behind; what it was not given is lost to it once it is past its time', fields)
    else log('info', 'a sink has caught up', fields)
  }
  return {
    run: async (signal: AbortSignal) => {
      const endMs = clock.monotonicMs() + RUN_MS
      try {
        if (!isReady) await begin(signal)
        for (let mayBeMore = true; mayBeMore && !signal.aborted && clock.monotonicMs() < endMs; ) {
          mayBeMore = await feedOnce(plan, sink, signal)
          if (failures > 0) log('info', 'a sink is fed again', { ...namesOf(sink), failures })
          failures = 0
        }
        await forgetBatches(db)
        await retryRefusals({ db, log, sink, signal, isLate: () => clock.monotonicMs() >= endMs })
      } catch (fault) {
        if (!signal.aborted) await failed(fault, signal)
      }
      await judgeLag()
    },
  }
}

/**
 * Gives a sink some of what it lacks, of now and of the past.
 * @returns whether there may be more
 * @throws SinkFault, or what the database said
 */
export async function feedOnce(plan: FeedPlan, sink: UsageSink, signal: AbortSignal): Promise<boolean> {
  const { db, log, clock } = plan
  await db.transaction().execute(givePositions)
  const place = await beginStep(db, sink.name)
  if (place?.target !== sink.target)
    throw new SinkFault(
      `its place is now kept for ${place?.target ?? 'nothing'}: give all control planes the same settings`,
    )
  const portion = await readPortion(db, place.position, ENTRIES_MAX)
  if (portion !== null) {
    const { position, storedAt: positionAt, entries, missed } = portion
    if (missed > 0)
      log('error', 'a sink is so far behind that records it was not given are gone', {
        sink: sink.name,
        entries: missed,
      })
    await give({ ...plan, sink, signal }, place, { entries, missed, place: { position, positionAt } })
    return true
  }
  const page = await readBackfill(db, place, {
    countMax: ENTRIES_MAX,
    now: new Date(clock.nowMs()).toISOString(),
  })
  if (page === null) {
    await noteSuccess(db, place.id)
    return false
  }
  await give({ ...plan, sink, signal }, place, { ...page, missed: 0 })
  return true
}

type Giving = Pick<FeedPlan, 'db' | 'log'> & { readonly sink: UsageSink; readonly signal: AbortSignal }

async function give(
  { db, log, sink, signal }: Giving,
  before: SinkPlace,
  { entries, missed, place }: { entries: readonly SinkEntry[]; missed: number; place: Given['place'] },
): Promise<void> {
  const refused = entries.length === 0 ? [] : placed(await sink.write(entries, signal), entries)
  for (const { id, reason } of refused)
    log('error', 'a sink refused an entry, which was put aside', {
      sink: sink.name,
      entry: redact(id, 200),
      reason,
    })
  const records = entries.filter((it) => it.kind === 'record').length
  const corrections = entries.length - records
  await endStep(db, before, { records, corrections, missed, refused, place })
}

/** With where they lie, so that they can be given again. */
function placed(refused: readonly RefusedEntry[], entries: readonly SinkEntry[]): Aside[] {
  if (refused.length === 0) return []
  const starts = new Map(entries.map((it) => [entryId(it), entryPlace(it).startedAt]))
  return refused.map((it) => ({ ...it, startedAt: starts.get(it.id) ?? null }))
}

function namesOf({ name, target }: UsageSink) {
  return { sink: name, target }
}

function reasonOf(fault: unknown): string {
  return redact(fault instanceof Error ? fault.message : String(fault), FAULT_LENGTH_MAX)
}
