/**
 * Loads synthetic usage as the drain would: the same store, batch by batch, in the order of time. Lanes load
 * stretches of days side by side, as several control planes do; a part makes one of several runs of it.
 */
import { openDatabase } from '@headgate/control-plane/database/open'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { type Span, syntheticCall } from './synthetic-usage.ts'

const BATCH = 2_000
const STATEMENT_MS = 120_000
const DAY_MS = 24 * 60 * 60 * 1000

export type Load = {
  readonly url: string
  readonly span: Span
  /** Which share of the calls, from 0 to 1. */
  readonly from: number
  readonly to: number
  readonly lanes: number
  readonly say: (line: string) => void
}

/** The days up to the end of today. */
export function lastDays(days: number, calls: number, nowMs: number): Span {
  return { fromMs: (Math.floor(nowMs / DAY_MS) + 1 - days) * DAY_MS, days, calls }
}

/**
 * Loads the calls of the share; calls that are there already are passed over.
 * @returns how many were new, and how many a second were stored
 */
export async function loadUsage(load: Load): Promise<{ stored: number; perSecond: number }> {
  const { db, close } = openDatabase({
    ...{ url: load.url, name: 'headgate-load', statementTimeoutMs: STATEMENT_MS },
    ...{ connectionsMax: load.lanes + 2, log: (_, message) => load.say(message) },
  })
  const usage = usageStore(db)
  const first = Math.floor(load.from * load.span.calls)
  const last = Math.floor(load.to * load.span.calls)
  let stored = 0
  const startMs = performance.now()
  const lane = async (number: number) => {
    const end = laneStart(number + 1)
    for (let n = laneStart(number); n < end; n += BATCH) {
      const size = Math.min(BATCH, end - n)
      const calls = Array.from({ length: size }, (_, i) => syntheticCall(n + i, load.span))
      const { length } = await usage.store(calls)
      stored += length
    }
  }
  const laneStart = (number: number) => first + Math.floor(((last - first) * number) / load.lanes)
  const perSecond = () => Math.round((stored * 1000) / (performance.now() - startMs))
  const telling = setInterval(() => load.say(`${stored} stored, ${perSecond()} a second`), 10_000)
  try {
    await Promise.all(Array.from({ length: load.lanes }, (_, number) => lane(number)))
  } finally {
    clearInterval(telling)
    await close()
  }
  return { stored, perSecond: perSecond() }
}
