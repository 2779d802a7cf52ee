/** A database with a store as the drain has it, sinks that remember what they were given, and feeding step by step. */
import { idSource } from '@headgate/domain/id'
import type { UsageSink } from '@headgate/domain/ports'
import { entryId, type RefusedEntry, type SinkEntry } from '@headgate/domain/sink-entry'
import pg from 'pg'
import { cosmosSink } from '../../adapters/src/cosmos/cosmos-sink.ts'
import { envSecrets } from '../../adapters/src/secrets/env.ts'
import { secretResolver } from '../../adapters/src/secrets/resolver.ts'
import { type Database, openDatabase } from '../../control-plane/src/database/open.ts'
import { selectSinks, sinkOf } from '../../control-plane/src/database/usage-sinks.ts'
import { type FeedPlan, feedOnce, sinkFeeder } from '../../control-plane/src/jobs/feed-sinks.ts'
import { type UsageStore, usageStore } from '../../control-plane/src/jobs/store-usage.ts'
import { type LogLine, migratedDatabase, systemClock } from '../admin/harness.ts'
import type { CosmosFake } from './cosmos-fake.ts'

export const COSMOS_KEY = Buffer.from('canary of the account key 0123456789').toString('base64')
export const never = new AbortController().signal

export type MemorySink = UsageSink & {
  readonly given: Map<string, SinkEntry>
  /** How often each was given. */
  readonly times: Map<string, number>
  /** Judges entries before they are taken; null takes them. May throw. */
  judge: (entry: SinkEntry) => string | null
}

/** One that remembers. */
export function memorySink(name: string, changes: Partial<UsageSink> = {}): MemorySink {
  const given = new Map<string, SinkEntry>()
  const times = new Map<string, number>()
  const sink: MemorySink = {
    ...{ name, kind: 'memory', target: `memory/${name}`, from: null, given, times },
    judge: () => null,
    check: async () => {},
    write: async (entries) => {
      const refused: RefusedEntry[] = []
      for (const entry of entries) {
        const reason = sink.judge(entry)
        const id = entryId(entry)
        if (reason !== null) refused.push({ id, reason })
        else {
          given.set(id, entry)
          times.set(id, (times.get(id) ?? 0) + 1)
        }
      }
      return refused
    },
    close: () => {},
    ...changes,
  }
  return sink
}

/** The sink of the product on a fake of its service. */
export function sinkOn({ endpoint, agent }: Pick<CosmosFake, 'endpoint' | 'agent'>, key: string): UsageSink {
  const sources = { env: envSecrets({ COSMOS_KEY: key }) }
  return cosmosSink({
    ...{ endpoint, agent, database: 'headgate', container: 'usage', from: null, ttlDays: null },
    ...{ keyRef: 'env://COSMOS_KEY' as never, secrets: secretResolver({ sources, clock: systemClock }) },
  })
}

export type SinkWorld = {
  readonly url: string
  readonly db: Database
  readonly usage: UsageStore
  readonly plan: FeedPlan
  readonly logLines: LogLine[]
  /** Rows of plain SQL. */
  query(text: string): Promise<Record<string, string>[]>
  /** One run of its job: makes it known and gives it all there is. */
  feed(sink: UsageSink): Promise<void>
  /** As the admin API tells of it. */
  told(name: string): Promise<ReturnType<typeof sinkOf>>
  close(): Promise<void>
}

export async function sinkWorld(url?: string): Promise<SinkWorld> {
  const own = url ?? (await migratedDatabase()).url
  const logLines: LogLine[] = []
  const log: FeedPlan['log'] = (level, message, fields) => void logLines.push({ level, message, fields })
  const { db, close } = openDatabase({
    ...{ url: own, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 8, log },
  })
  const plan: FeedPlan = { db, log, clock: systemClock, newId: idSource(), lagSecondsMax: 900 }
  const plain = new pg.Pool({ connectionString: own, max: 2 })
  const feeders = new WeakMap<UsageSink, ReturnType<typeof sinkFeeder>>()
  return {
    ...{ url: own, db, usage: usageStore(db), plan, logLines },
    query: async (text) => (await plain.query(text)).rows,
    close: async () => {
      await plain.end()
      await close()
    },
    feed: (sink) => {
      const feeder = feeders.get(sink) ?? sinkFeeder(plan, sink)
      feeders.set(sink, feeder)
      return feeder.run(never)
    },
    told: async (name) => sinkOf(await selectSinks(db).where('name', '=', name).executeTakeFirstOrThrow()),
  }
}

/** Gives a sink that is known what there is now; throws what went wrong. */
export async function feedAll({ plan }: SinkWorld, sink: UsageSink): Promise<void> {
  while (await feedOnce(plan, sink, never)) {}
}
