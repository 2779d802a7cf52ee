/**
 * Drains usage records from the stream into Postgres. A batch is confirmed only after it is committed, and a
 * record that is there already is passed over, so a crash anywhere neither loses nor doubles a call. A record
 * that Postgres will not take is set aside in a table of its own; it never blocks the others.
 */
import type { Log, UsageBatch, UsageSource } from '@headgate/domain/ports'
import { redact } from '@headgate/domain/redaction'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { databaseFault } from '../database/fault.ts'
import type { Database } from '../database/open.ts'
import { type Job, jitteredMs, pause } from './scheduler.ts'
import { type UsageStore, usageStore } from './store-usage.ts'
import { insertDeadLetter } from './usage-rows.ts'

const BATCH = 2_000
const WAIT_MS = 500
/** How many batches a stop stores at most before it leaves the rest to others. */
const LAST_BATCHES = 20
const RETRY = { minMs: 50, maxMs: 5_000 } as const

export type DrainPlan = {
  /** A pool of its own: long inserts must not keep people waiting. */
  readonly db: Database
  readonly source: UsageSource
  readonly log: Log
}

/** Where a batch goes, and whatever of it is refused. */
type BatchPlan = Pick<DrainPlan, 'db' | 'log'> & { readonly usage: UsageStore }

/** The job. Any number of processes may run it at once: the source gives each record to one of them at a time. */
export function drainUsage({ db, source, log }: DrainPlan): Job {
  const plan = { db, log, usage: usageStore(db) }
  return {
    name: 'drain-usage',
    everyMs: 10,
    run: async (signal) => {
      // What was taken and is not stored would come again only after a minute, so a stop finishes its plate.
      for (let last = LAST_BATCHES; last > 0; ) {
        const batch = await source.take(BATCH, signal.aborted ? 0 : WAIT_MS)
        if (batch.records.length > 0) await drainBatch(plan, batch, signal)
        if (signal.aborted) last = batch.records.length === 0 ? 0 : last - 1
      }
    },
  }
}

/** Stores one batch and confirms it. Once the signal is raised it tries once and then gives up, unconfirmed. */
export async function drainBatch(plan: BatchPlan, batch: UsageBatch, signal: AbortSignal): Promise<void> {
  // Always in the same order, because two batches with the same rows in different orders block each other.
  const records = [...batch.records].sort(byKey)
  if (await stored(plan, records, signal)) await batch.confirm()
}

function byKey(a: UsageRecord, b: UsageRecord): number {
  if (a.requestId !== b.requestId) return a.requestId < b.requestId ? -1 : 1
  return a.attempt - b.attempt
}

/** True when every record is either in the table or set aside. */
async function stored(
  plan: BatchPlan,
  records: readonly UsageRecord[],
  signal: AbortSignal,
): Promise<boolean> {
  let retries = 0
  do {
    try {
      await plan.usage.store(records)
      if (retries > 0) plan.log('info', 'usage records are stored again', { retries })
      return true
    } catch (fault) {
      if (isRefusal(fault)) return isolate(plan, records, { fault, signal })
      retries += 1
      if (Number.isInteger(Math.log2(retries))) {
        plan.log('warn', 'usage records cannot be stored; they are kept and tried again', {
          retries,
          reason: reasonOf(fault),
        })
      }
      await pause(jitteredMs(retries, RETRY), signal)
    }
  } while (!signal.aborted)
  return false
}

/** Halves the batch until the record at fault stands alone, and sets that one aside. */
async function isolate(
  plan: BatchPlan,
  records: readonly UsageRecord[],
  { fault, signal }: { fault: unknown; signal: AbortSignal },
): Promise<boolean> {
  const [only] = records
  if (only === undefined) return true
  if (records.length > 1) {
    const middle = records.length >> 1
    const first = await stored(plan, records.slice(0, middle), signal)
    return first && (await stored(plan, records.slice(middle), signal))
  }
  const reason = reasonOf(fault)
  return setAside(plan, { record: only, reason, signal })
}

async function setAside(
  plan: BatchPlan,
  { record, reason, signal }: { record: UsageRecord; reason: string; signal: AbortSignal },
): Promise<boolean> {
  for (let retries = 1; !signal.aborted; retries++) {
    try {
      await insertDeadLetter(plan.db, record, reason)
      plan.log('error', 'a usage record was refused and set aside in usage_dead_letters', {
        requestId: redact(String(record.requestId), 64),
        reason,
      })
      return true
    } catch (fault) {
      plan.log('warn', 'a refused usage record cannot be set aside yet', { reason: reasonOf(fault) })
      await pause(jitteredMs(retries, RETRY), signal)
    }
  }
  return false
}

/** Whether the records are at fault: what Postgres says of them, or a shape so wrong that we cannot read it. */
function isRefusal(fault: unknown): boolean {
  return fault instanceof TypeError || databaseFault(fault)?.kind === 'refused'
}

function reasonOf(fault: unknown): string {
  return redact(fault instanceof Error ? fault.message : String(fault), 500)
}
