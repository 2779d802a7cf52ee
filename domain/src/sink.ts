/**
 * A sink is a place outside that is given a copy of all usage: Cosmos DB, and what may join. Postgres stays the
 * truth. A sink is fed at a pace of its own and says how far it is behind; it never holds up what is recorded.
 */
import { z } from 'zod'
import { idOf } from './id.ts'

export const SinkId = idOf('snk')

const Instant = z.iso.datetime({ offset: true })
const Calls = z.int().min(0)

/**
 * The worst that is true of it: no process feeds it; its last try failed; it is behind by more than is allowed;
 * records that it was not given are gone; records of the past are under way; none of these.
 */
export const SinkState = z.enum(['stopped', 'failing', 'lagging', 'incomplete', 'backfilling', 'running'])
export type SinkState = z.infer<typeof SinkState>

/** Records of the past on their way to a sink. */
const Backfill = z.object({
  /** When the first and last of them began. */
  from: Instant,
  until: Instant,
  /** When the last one that was given began; null before the first. */
  at: Instant.nullable(),
  records: Calls,
  isDone: z.boolean(),
})

export const Sink = z.object({
  id: SinkId,
  name: z.string(),
  kind: z.string(),
  /** Where it writes. */
  target: z.string(),
  state: SinkState,
  /** Records that began earlier are not given to it; null: none that were stored before it was switched on. */
  from: Instant.nullable(),
  /** When what it was given last was stored, or when it was switched on. */
  cursorAt: Instant,
  /** How long the oldest of what it is still to be given has been stored. */
  lagSeconds: z.int().min(0),
  recordsSent: Calls,
  correctionsSent: Calls,
  /** What the sink would not take: put aside, each with its reason, until it is taken after all or forgotten. */
  putAside: Calls,
  /** What was no longer kept when its turn came. */
  missed: Calls,
  lastError: z.string().nullable(),
  lastErrorAt: Instant.nullable(),
  lastSuccessAt: Instant.nullable(),
  /** Null where none was asked for. */
  backfill: Backfill.nullable(),
  createdAt: Instant,
})
export type Sink = z.infer<typeof Sink>

/** Longer than any step of feeding a sink takes. */
const STOPPED_AFTER_SECONDS = 300

/** What the state of a sink is judged by. */
export type SinkSigns = Pick<Sink, 'lagSeconds' | 'missed' | 'lastErrorAt' | 'lastSuccessAt' | 'backfill'> & {
  /** Since a process last took a step for it; null: none ever did. */
  readonly idleSeconds: number | null
}

/** @param lagSecondsMax from where on it is behind by too much */
export function sinkStateOf(signs: SinkSigns, lagSecondsMax: number): SinkState {
  const { idleSeconds, lastErrorAt, lastSuccessAt } = signs
  if (idleSeconds === null || idleSeconds > STOPPED_AFTER_SECONDS) return 'stopped'
  const failedMs = lastErrorAt === null ? Number.NEGATIVE_INFINITY : Date.parse(lastErrorAt)
  const succeededMs = lastSuccessAt === null ? Number.NEGATIVE_INFINITY : Date.parse(lastSuccessAt)
  if (failedMs > succeededMs) return 'failing'
  if (signs.lagSeconds > lagSecondsMax) return 'lagging'
  if (signs.missed > 0) return 'incomplete'
  return signs.backfill !== null && !signs.backfill.isDone ? 'backfilling' : 'running'
}

/** Why a sink took nothing or not all, when it is worth trying again. Its message holds no secret. */
export class SinkFault extends Error {
  /** How long the sink asks to be left alone, in milliseconds; null when it says nothing. */
  readonly retryAfterMs: number | null

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}
