/**
 * Which client tags the rollups of a day tell apart: the first so many of each team, in the order in which they were
 * stored; all others count together. What was decided is kept, so that whoever stores later, in any process, or makes
 * the rollups anew, counts alike.
 */
import { OTHER_TAGS, TAGS_PER_DAY_MAX } from '@headgate/domain/client-tag'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'

/** Two who admit tags at once could both take the last place. */
const LOCK = [7403, 2] as const
/** Teams and days that are remembered; then all are forgotten, which costs a query for each that is in use. */
const REMEMBERED_MAX = 2_000

export type UsageTags = {
  /** The records as rollups count them, in the same order: the same ones where nothing is different. */
  counted(records: readonly UsageRecord[]): Promise<UsageRecord[]>
}

type Place = { readonly teamId: string; readonly day: string }

/** For the life of a process. */
export function usageTags(db: Database): UsageTags {
  const known = new Map<string, ReadonlySet<string>>()
  const isFull = (tags: ReadonlySet<string>) => tags.size >= TAGS_PER_DAY_MAX

  async function learn(place: Place, wanted: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const before = known.get(textOf(place))
    if (before !== undefined && (isFull(before) || [...wanted].every((it) => before.has(it)))) return before
    const tags = await admit(db, place, wanted)
    if (known.size >= REMEMBERED_MAX) known.clear()
    known.set(textOf(place), tags)
    return tags
  }

  return {
    counted: async (records) => {
      const tagged = records.filter((it) => it.clientTag !== null)
      if (tagged.length === 0) return [...records]
      const admitted = new Map<string, ReadonlySet<string>>()
      for (const [text, its] of Map.groupBy(tagged, (it) => textOf(placeOf(it))))
        admitted.set(
          text,
          await learn(placeOf(its[0] as UsageRecord), new Set(its.map((it) => it.clientTag ?? ''))),
        )
      return records.map((it) => {
        const { clientTag } = it
        if (clientTag === null || admitted.get(textOf(placeOf(it)))?.has(clientTag)) return it
        return { ...it, clientTag: OTHER_TAGS }
      })
    },
  }
}

function placeOf({ teamId, startedAt }: UsageRecord): Place {
  return { teamId: teamId ?? '', day: startedAt.slice(0, 10) }
}

function textOf({ teamId, day }: Place): string {
  return `${teamId} ${day}`
}

/** Takes in as many as there is room for. @returns all that are told apart by now */
async function admit(
  db: Database,
  { teamId, day }: Place,
  wanted: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${LOCK[0]}, ${LOCK[1]})`.execute(transaction)
    const read = () =>
      transaction
        .selectFrom('usageTags')
        .select('clientTag')
        .where('teamId', '=', teamId)
        .where('day', '=', sql<string>`${day}::date`)
        .execute()
    const there = new Set((await read()).map((it) => it.clientTag))
    const added = [...wanted]
      .filter((it) => !there.has(it))
      .slice(0, Math.max(0, TAGS_PER_DAY_MAX - there.size))
    if (added.length === 0) return there
    await transaction
      .insertInto('usageTags')
      .values(added.map((clientTag) => ({ teamId, day, clientTag })))
      .execute()
    return new Set([...there, ...added])
  })
}
