/**
 * Whether this process is alive and whether it may take traffic. Alive needs nothing but an answer; ready
 * needs the database, asked at most once a second however often probes come.
 */
import type { Clock } from '@headgate/domain/ports'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'

const FRESH_MS = 1_000
const CHECK_TIMEOUT_MS = 2_000

export type Checks = { readonly database: boolean; readonly serving: boolean }

export type Health = {
  /** The last that is known, without asking anybody. */
  ready(): boolean
  check(): Promise<Checks>
  /** From now on not ready, for good. */
  drain(): void
}

/** Begins not ready; the first check finds out. */
export function watchHealth(db: Database, clock: Clock): Health {
  let database = false
  let serving = true
  let checkedMs = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | null = null
  const ask = async () => {
    database = await answers(db)
    checkedMs = clock.monotonicMs()
    underWay = null
  }
  return {
    ready: () => database && serving,
    check: async () => {
      if (clock.monotonicMs() - checkedMs > FRESH_MS) {
        underWay ??= ask()
        await underWay
      }
      return { database, serving }
    },
    drain: () => {
      serving = false
    },
  }
}

async function answers(db: Database): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS)
  })
  const asked = sql`select 1`.execute(db).then(
    () => true,
    () => false,
  )
  const answer = await Promise.race([asked, late])
  clearTimeout(timer)
  return answer
}
