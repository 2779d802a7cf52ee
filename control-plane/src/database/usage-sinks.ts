/**
 * Sinks as Postgres knows them: how far each was fed, with what success. The place of a sink moves only from where
 * whoever fed it found it, so two processes that feed at once give entries twice and count them once.
 */
import type { UsageSink } from '@headgate/domain/ports'
import { type Sink, sinkStateOf } from '@headgate/domain/sink'
import { type SelectQueryBuilder, sql } from 'kysely'
import type { Database } from './open.ts'
import { writeOutbox } from './outbox.ts'
import { type Aside, putAside } from './sink-refusals.ts'
import type { SinkRow, Tables } from './tables.ts'
import { forgetBatches, givePositions, SINKS_LOCK } from './usage-batches.ts'

/** What of a sink's row feeding it goes by. */
export type SinkPlace = Pick<
  SinkRow,
  | 'id'
  | 'target'
  | 'fromAt'
  | 'position'
  | 'backfillUntil'
  | 'backfillStartedAt'
  | 'backfillRequestId'
  | 'backfillAttempt'
  | 'backfillEndedAt'
>

const placeColumns = [
  'id',
  'target',
  'fromAt',
  'position',
  'backfillUntil',
  'backfillStartedAt',
  'backfillRequestId',
  'backfillAttempt',
  'backfillEndedAt',
] as const

/**
 * Makes a sink known. From then on all that is stored is written down for it. One that was there goes on where it
 * was; with another target it begins anew, and with another `from` it is given the past again.
 * @returns true when it was not known with this target
 */
export function registerSink(
  db: Database,
  sink: Pick<UsageSink, 'name' | 'kind' | 'target' | 'from'>,
  { id, now, lagSecondsMax }: { id: string; now: string; lagSecondsMax: number },
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    await lockSinks(transaction)
    const known = await transaction
      .selectFrom('usageSinks')
      .select(['id', 'target', 'fromAt'])
      .where('name', '=', sink.name)
      .forUpdate()
      .executeTakeFirst()
    if (known?.target === sink.target) {
      const isSameFrom = instantOf(known.fromAt) === instantOf(sink.from)
      const past = isSameFrom ? {} : { fromAt: sink.from, ...(await backfillOf(transaction, sink.from, now)) }
      const changed = { ...past, lagSecondsMax }
      await transaction.updateTable('usageSinks').set(changed).where('id', '=', known.id).execute()
      return false
    }
    if (known !== undefined) await transaction.deleteFrom('usageSinks').where('id', '=', known.id).execute()
    const position = await givePositions(transaction)
    const { name, kind, target, from: fromAt } = sink
    const place = { fromAt, position, positionAt: now, ...(await backfillOf(transaction, fromAt, now)) }
    await transaction
      .insertInto('usageSinks')
      .values({ ...{ id, name, kind, target, lagSecondsMax, createdAt: now }, ...place })
      .execute()
    return true
  })
}

/** Waits for all who store, and they for this: whoever commits later writes a batch for the sinks that are known then. */
async function lockSinks(transaction: Database): Promise<void> {
  await sql`select pg_advisory_xact_lock(${SINKS_LOCK[0]}, ${SINKS_LOCK[1]})`.execute(transaction)
}

/** One sink as it is told; undefined when there is none. */
export async function readSink(db: Database, id: string): Promise<Sink | undefined> {
  const row = await selectSinks(db).where('id', '=', id).executeTakeFirst()
  return row && sinkOf(row)
}

/** The same, when nobody can make one known or feed this one until the transaction ends. */
export async function lockSink(transaction: Database, id: string): Promise<Sink | undefined> {
  await lockSinks(transaction)
  await transaction.selectFrom('usageSinks').select('id').where('id', '=', id).forUpdate().execute()
  return readSink(transaction, id)
}

/** Removes a sink with what it refused, and what waited for it alone. To be called with `lockSink`. */
export async function forgetSink(transaction: Database, id: string): Promise<void> {
  await transaction.deleteFrom('usageSinks').where('id', '=', id).execute()
  await forgetBatches(transaction)
}

function instantOf(text: string | null): number | null {
  return text === null ? null : Date.parse(text)
}

/** What is stored later is written down anyway, so the past ends with the last call that is there now. */
async function backfillOf(db: Database, from: string | null, now: string) {
  const begin = { backfillStartedAt: null, backfillRequestId: null, backfillAttempt: null, backfilled: 0 }
  if (from === null) return { ...begin, backfillUntil: null, backfillEndedAt: null }
  const { until } = await db
    .selectFrom('usageRecords')
    .select((row) => row.fn.max('startedAt').as('until'))
    .where('startedAt', '>=', from)
    .executeTakeFirstOrThrow()
  return { ...begin, backfillUntil: until ?? now, backfillEndedAt: null }
}

/** Notes that a step is taken for it, and reads where it stands; undefined when it is not known. */
export function beginStep(db: Database, name: string): Promise<SinkPlace | undefined> {
  return db
    .updateTable('usageSinks')
    .set({ ranAt: sql<string>`now()` })
    .where('name', '=', name)
    .returning(placeColumns)
    .executeTakeFirst()
}

/** What a step gave to a sink. */
export type Given = {
  readonly records: number
  readonly corrections: number
  readonly missed: number
  readonly refused: readonly Aside[]
  /** Where it stands now. */
  readonly place: Partial<SinkPlace> & { readonly positionAt?: string }
}

/**
 * Moves a sink to its new place and counts what it was given, unless another process moved it meanwhile.
 * @returns whether it was moved
 */
export function endStep(db: Database, before: SinkPlace, given: Given): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const isBackfill = given.place.position === undefined
    const { records, corrections, missed } = given
    const moved = await transaction
      .updateTable('usageSinks')
      .set((row) => ({
        ...given.place,
        recordsSent: row('recordsSent', '+', records),
        correctionsSent: row('correctionsSent', '+', corrections),
        missed: row('missed', '+', missed),
        ...(isBackfill && { backfilled: row('backfilled', '+', records) }),
        succeededAt: sql<string>`clock_timestamp()`,
      }))
      .where('id', '=', before.id)
      .where('position', '=', before.position)
      .where('backfillRequestId', 'is not distinct from', before.backfillRequestId)
      .where('backfillAttempt', 'is not distinct from', before.backfillAttempt)
      .executeTakeFirst()
    if (moved.numUpdatedRows === 0n) return false
    if (given.refused.length > 0) await putAside(transaction, before.id, given.refused)
    return true
  })
}

export async function noteSuccess(db: Database, id: string): Promise<void> {
  const succeededAt = sql<string>`clock_timestamp()`
  await db.updateTable('usageSinks').set({ succeededAt }).where('id', '=', id).execute()
}

export async function noteFailure(db: Database, name: string, fault: string): Promise<void> {
  const failedAt = sql<string>`clock_timestamp()`
  const changed = { failedAt, ranAt: failedAt, fault }
  await db.updateTable('usageSinks').set(changed).where('name', '=', name).execute()
}

/**
 * Tells others when a sink has come to be behind by too much, once until it has caught up.
 * @returns what there is to say of it now; null when that is nothing new
 */
export async function tellLag(
  db: Database,
  name: string,
  event: { id: string; at: string },
): Promise<{ isLagging: boolean; lagSeconds: number } | null> {
  return db.transaction().execute(async (transaction) => {
    const row = await selectSinks(transaction).where('name', '=', name).forUpdate().executeTakeFirst()
    if (row === undefined) return null
    const { id, target, lagSeconds } = row
    const isLagging = lagSeconds > row.lagSecondsMax
    if (isLagging === row.isLagTold) return null
    await transaction.updateTable('usageSinks').set({ isLagTold: isLagging }).where('id', '=', id).execute()
    const lastError = sinkOf(row).state === 'failing' ? row.fault : null
    const data = { sinkId: id, sinkName: name, target, lagSeconds, lastError }
    if (isLagging) await writeOutbox(transaction, [{ ...event, type: 'sink.lagging', data }])
    return { isLagging, lagSeconds }
  })
}

/** How long the oldest of what a sink is still to be given has been stored. */
const lag = sql<number>`ceil(greatest(0, coalesce(extract(epoch from clock_timestamp() - coalesce(
  (select stored_at from usage_batches where usage_batches.position > usage_sinks.position
    order by usage_batches.position limit 1),
  (select min(stored_at) from usage_batches where usage_batches.position is null))), 0)))::int`

/** Sinks with how far they are behind, to be filtered and ordered by whoever reads them. */
export function selectSinks(db: Database) {
  return db
    .selectFrom('usageSinks')
    .selectAll()
    .select([
      lag.as('lagSeconds'),
      sql<number | null>`extract(epoch from clock_timestamp() - ran_at)::int`.as('idleSeconds'),
    ])
}
type Selected =
  ReturnType<typeof selectSinks> extends SelectQueryBuilder<Tables, 'usageSinks', infer Row> ? Row : never

export function sinkOf(row: Selected): Sink {
  const { id, name, kind, target, fromAt: from, positionAt: cursorAt, createdAt } = row
  const { lagSeconds, recordsSent, correctionsSent, putAside, missed } = row
  const { fault: lastError, failedAt: lastErrorAt, succeededAt: lastSuccessAt } = row
  const backfill = backfillIn(row)
  const signs = { lagSeconds, missed, lastErrorAt, lastSuccessAt, backfill, idleSeconds: row.idleSeconds }
  return {
    ...{ id, name, kind, target, state: sinkStateOf(signs, row.lagSecondsMax), from, cursorAt },
    ...{ lagSeconds, recordsSent, correctionsSent, putAside, missed, lastError, lastErrorAt, lastSuccessAt },
    ...{ backfill, createdAt },
  }
}

function backfillIn(row: Selected): Sink['backfill'] {
  const { fromAt: from, backfillUntil: until, backfillStartedAt: at, backfilled: records } = row
  if (from === null || until === null) return null
  return { from, until, at, records, isDone: row.backfillEndedAt !== null }
}
