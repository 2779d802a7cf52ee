/**
 * Where the control plane takes usage records from: a consumer group on the usage stream. An entry is removed
 * when its records are committed and its sender was told; what a consumer took and never confirmed goes to
 * another after a minute. Records that do not parse are put aside, so that one bad record never stops the rest.
 */
import { randomBytes } from 'node:crypto'
import type { Log, UsageBatch, UsageSource } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { readRecords } from '../usage-text.ts'
import type { RedisClient } from './client.ts'
import { committedKey } from './usage-outlet.ts'

export type UsageSourceOptions = {
  readonly log: Log
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  /** How long an entry may stay unconfirmed before it comes again; 60 s. */
  readonly redeliverAfterMs?: number
}

type Entry = {
  readonly id: string
  readonly records: UsageRecord[]
  /** Whom to tell that it is committed: a journal's process and its number for it. Empty in older entries. */
  readonly sender: string
}

const REDELIVER_AFTER_MS = 60_000
const GROUP = 'drain'
const ENTRIES_PER_READ = '100'
const POLL_MS = 100
const RECLAIM_EACH_MS = 5_000
const DEAD_KEPT = '10000'
/** A journal's process asks several times a second; a day later there is none. */
const COMMITTED_KEPT_S = '86400'

/** A usage source on a Redis client. Any number may run; each entry goes to one of them. */
export function redisUsageSource(client: RedisClient, options: UsageSourceOptions): UsageSource {
  return new GroupSource(client, options)
}

class GroupSource implements UsageSource {
  readonly #client: RedisClient
  readonly #log: Log
  readonly #key: string
  readonly #redeliverAfterMs: number
  readonly #consumer = `drain-${randomBytes(6).toString('hex')}`
  /** Read and not handed out yet. */
  readonly #held: Entry[] = []
  #reclaimAtMs = 0
  #reclaimFrom = '0-0'

  constructor(client: RedisClient, options: UsageSourceOptions) {
    this.#client = client
    this.#log = options.log
    this.#key = `${options.prefix ?? 'hg:'}usage`
    this.#redeliverAfterMs = options.redeliverAfterMs ?? REDELIVER_AFTER_MS
  }

  async take(countMax: number, waitMs: number): Promise<UsageBatch> {
    const untilMs = performance.now() + waitMs
    while (this.#held.length === 0) {
      await this.#refill()
      if (this.#held.length > 0 || performance.now() >= untilMs) break
      await pause(Math.max(0, Math.min(POLL_MS, untilMs - performance.now())))
    }
    return this.#batchOf(countMax)
  }

  /** Whole entries up to the count, at least one. */
  #batchOf(countMax: number): UsageBatch {
    const entries: Entry[] = []
    const records: UsageRecord[] = []
    for (let entry = this.#held[0]; entry !== undefined; entry = this.#held[0]) {
      if (entries.length > 0 && records.length + entry.records.length > countMax) break
      this.#held.shift()
      entries.push(entry)
      records.push(...entry.records)
    }
    return { records, confirm: () => this.#commit(entries) }
  }

  /** First the senders are told, then the entries go: what is neither here nor told was lost. */
  async #commit(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    const told = Map.groupBy(entries, (it) => it.sender.split(':')[0] ?? '')
    await Promise.all([...told].map(([journal, own]) => this.#tell(journal, own)))
    const ids = entries.map((it) => it.id)
    await Promise.all([this.#send('XACK', GROUP, ...ids), this.#send('XDEL', ...ids)])
  }

  async #tell(journal: string, entries: readonly Entry[]): Promise<void> {
    if (journal === '') return
    const key = committedKey(this.#key, journal)
    const numbers = entries.map((it) => it.sender.split(':')[1] ?? '')
    await this.#client.send(key, ['RPUSH', key, ...numbers])
    await this.#client.send(key, ['EXPIRE', key, COMMITTED_KEPT_S])
  }

  async #refill(): Promise<void> {
    try {
      if (performance.now() >= this.#reclaimAtMs) await this.#reclaim()
      if (this.#held.length > 0) return
      const count = ['COUNT', ENTRIES_PER_READ, 'STREAMS', this.#key, '>']
      const reply = await this.#client.send(this.#key, [
        'XREADGROUP',
        'GROUP',
        GROUP,
        this.#consumer,
        ...count,
      ])
      const stream: unknown = Array.isArray(reply) ? reply[0] : undefined
      if (Array.isArray(stream)) await this.#hold(stream[1])
    } catch (fault) {
      if (!(fault instanceof Error) || !fault.message.startsWith('NOGROUP')) throw fault
      await this.#makeGroup()
    }
  }

  /** Takes over what others (or we, before a fault) took and did not confirm. */
  async #reclaim(): Promise<void> {
    const idleMs = String(this.#redeliverAfterMs)
    const from = [this.#consumer, idleMs, this.#reclaimFrom, 'COUNT', ENTRIES_PER_READ]
    const reply = await this.#send('XAUTOCLAIM', GROUP, ...from)
    const [next, entries] = Array.isArray(reply) ? reply : ['0-0', []]
    this.#reclaimFrom = String(next)
    if (this.#reclaimFrom === '0-0')
      this.#reclaimAtMs = performance.now() + Math.min(RECLAIM_EACH_MS, this.#redeliverAfterMs)
    await this.#hold(entries)
  }

  /** The stream may be there already, with records from before the first control plane. */
  async #makeGroup(): Promise<void> {
    try {
      await this.#client.send(this.#key, ['XGROUP', 'CREATE', this.#key, GROUP, '0', 'MKSTREAM'])
    } catch (fault) {
      if (!(fault instanceof Error) || !fault.message.startsWith('BUSYGROUP')) throw fault
    }
  }

  async #hold(entries: unknown): Promise<void> {
    for (const entry of Array.isArray(entries) ? entries : []) {
      if (!Array.isArray(entry)) continue
      const id = String(entry[0])
      const fields: unknown = entry[1]
      const [body, sender] = Array.isArray(fields) ? [fields[1], String(fields[3] ?? '')] : [undefined, '']
      const { records, dead } = readRecords(body)
      if (dead.length > 0) await this.#bury(id, dead)
      if (records.length > 0) this.#held.push({ id, records, sender })
      else await this.#commit([{ id, records, sender }])
    }
  }

  async #bury(id: string, dead: readonly string[]): Promise<void> {
    const key = `${this.#key}:dead`
    const about = { count: dead.length, entry: id, in: key }
    this.#log('error', 'Usage records that do not parse were put aside', about)
    for (const text of dead)
      await this.#client.send(key, ['XADD', key, 'MAXLEN', '~', DEAD_KEPT, '*', 'entry', id, 'r', text])
  }

  /** A command whose first argument is the stream. */
  #send(command: string, ...rest: readonly string[]): Promise<unknown> {
    return this.#client.send(this.#key, [command, this.#key, ...rest])
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
