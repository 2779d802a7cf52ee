/**
 * The key directory in Redis: one entry per key digest, and a stream of the digests that changed, which every
 * gateway reads each second to drop what it cached of them. A key that cannot be looked up is never called
 * invalid: known ones go on for a while, others are told to come again.
 */
import { timingSafeEqual } from 'node:crypto'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Clock, KeyDirectory, KeyPublisher, Log } from '@headgate/domain/ports'
import { KeyRecord } from '@headgate/domain/proxy-key'
import type { RedisClient } from './client.ts'
import { type CachedKey, type KeyCache, keyCache } from './key-cache.ts'
import { watchKeyChanges } from './key-changes.ts'
import { faultText } from './watched-link.ts'

export type KeyDirectoryOptions = {
  readonly log: Log
  readonly clock?: Pick<Clock, 'monotonicMs'>
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  /** How many records are cached at most; 100 000. */
  readonly cacheMax?: number
  /** How long a record is taken at its word; 30 s. */
  readonly ttlMs?: number
  /** How often changes are asked for; 1 s. */
  readonly pollMs?: number
}

export type RedisKeyDirectory = KeyDirectory & KeyPublisher & { close(): void }

const CACHE_MAX = 100_000
const POLL_MS = 1_000
const TTL_MS = 30_000
const TTL_UNKNOWN_MS = 5_000
/** Past this part of its life a record is fetched again while it is still served. */
const REFRESH_AFTER = 0.7
/** How long a known key goes on while Redis cannot be asked. */
const STALE_MAX_MS = 15 * 60_000
const STALE_RETRY_MS = 1_000
const DEADLINE_MS = 250
const PUT_CHUNK = 200
const CHANGES_KEPT = '10000'

type Lookup = { readonly answer: Promise<KeyRecord | null>; overtaken: boolean }

const processClock = { monotonicMs: () => performance.now() }

/** A key directory on a Redis client; close it to stop the poll. */
export function redisKeyDirectory(client: RedisClient, options: KeyDirectoryOptions): RedisKeyDirectory {
  return new CachedDirectory(client, options)
}

class CachedDirectory implements RedisKeyDirectory {
  readonly #client: RedisClient
  readonly #log: Log
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #prefix: string
  readonly #changesKey: string
  readonly #ttlMs: number
  readonly #cache: KeyCache
  readonly #lookups = new Map<string, Lookup>()
  readonly #changes: { close(): void }
  #troubled = false

  constructor(client: RedisClient, options: KeyDirectoryOptions) {
    this.#client = client
    this.#log = options.log
    this.#clock = options.clock ?? processClock
    this.#prefix = options.prefix ?? 'hg:'
    this.#changesKey = `${this.#prefix}keys:changes`
    this.#ttlMs = options.ttlMs ?? TTL_MS
    this.#cache = keyCache(options.cacheMax ?? CACHE_MAX)
    this.#changes = watchKeyChanges(client, {
      key: this.#changesKey,
      pollMs: options.pollMs ?? POLL_MS,
      drop: (digest) => this.#drop(digest),
      dropAll: () => this.#dropAll(),
    })
  }

  find(digest: string): KeyRecord | null | Promise<KeyRecord | null> {
    const entry = this.#cache.get(digest)
    if (entry === undefined) return this.#lookUp(digest)
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < entry.askAgainAtMs) return entry.record
    const lifeMs = entry.record === null ? TTL_UNKNOWN_MS : this.#ttlMs
    if (nowMs - entry.atMs >= lifeMs)
      return this.#lookUp(digest).catch((fault) => this.#serveStale(entry, fault))
    this.#lookUp(digest).catch(() => this.#postpone(entry))
    return entry.record
  }

  async put(records: readonly KeyRecord[]): Promise<void> {
    for (let at = 0; at < records.length; at += PUT_CHUNK) {
      const chunk = records.slice(at, at + PUT_CHUNK).map((record) => KeyRecord.parse(record))
      await Promise.all(chunk.map((record) => this.#write(record)))
      await this.#announce(chunk.map((record) => record.digest))
    }
  }

  async remove(digests: readonly string[]): Promise<void> {
    for (let at = 0; at < digests.length; at += PUT_CHUNK) {
      const chunk = digests.slice(at, at + PUT_CHUNK)
      const keys = chunk.map((digest) => `${this.#prefix}key:${digest}`)
      await Promise.all(keys.map((key) => this.#client.send(key, ['DEL', key])))
      await this.#announce(chunk)
    }
  }

  /** Tells every gateway to drop what it holds of these, and drops it here. */
  async #announce(digests: readonly string[]): Promise<void> {
    const entry = ['MAXLEN', '~', CHANGES_KEPT, '*', 'd', digests.join(',')]
    await this.#client.send(this.#changesKey, ['XADD', this.#changesKey, ...entry])
    for (const digest of digests) this.#drop(digest)
  }

  close(): void {
    this.#changes.close()
  }

  #write(record: KeyRecord): Promise<unknown> {
    const key = `${this.#prefix}key:${record.digest}`
    return this.#client.send(key, ['SET', key, JSON.stringify(record)])
  }

  #drop(digest: string): void {
    this.#cache.delete(digest)
    const lookup = this.#lookups.get(digest)
    if (lookup) lookup.overtaken = true
  }

  #dropAll(): void {
    this.#cache.clear()
    for (const lookup of this.#lookups.values()) lookup.overtaken = true
  }

  #lookUp(digest: string): Promise<KeyRecord | null> {
    const running = this.#lookups.get(digest)
    if (running) return running.answer
    const lookup: Lookup = { answer: this.#ask(digest, () => lookup.overtaken), overtaken: false }
    this.#lookups.set(digest, lookup)
    return lookup.answer
  }

  async #ask(digest: string, wasOvertaken: () => boolean): Promise<KeyRecord | null> {
    const key = `${this.#prefix}key:${digest}`
    try {
      const body = await withDeadline(this.#client.send(key, ['GET', key]))
      const record = body === null ? null : readRecord(body, digest)
      this.#becomeTroubled(null)
      if (!wasOvertaken()) this.#cache.set(digest, this.#freshEntry(record))
      return record
    } catch (fault) {
      this.#becomeTroubled(fault)
      throw new GatewayError('not_ready', {
        public: 'Keys cannot be looked up right now.',
        internal: `the key directory cannot be asked: ${faultText(fault)}`,
        retryAfterMs: 1_000,
      })
    } finally {
      this.#lookups.delete(digest)
    }
  }

  #freshEntry(record: KeyRecord | null): CachedKey {
    const atMs = this.#clock.monotonicMs()
    const lifeMs = record === null ? TTL_UNKNOWN_MS : this.#ttlMs * REFRESH_AFTER
    return { record, atMs, askAgainAtMs: atMs + lifeMs }
  }

  #serveStale(entry: CachedKey, fault: unknown): KeyRecord | null {
    if (entry.record === null || this.#clock.monotonicMs() - entry.atMs > STALE_MAX_MS) throw fault
    this.#postpone(entry)
    return entry.record
  }

  #postpone(entry: CachedKey): void {
    entry.askAgainAtMs = this.#clock.monotonicMs() + STALE_RETRY_MS
  }

  #becomeTroubled(fault: unknown): void {
    if (this.#troubled === (fault !== null)) return
    this.#troubled = fault !== null
    if (this.#troubled) this.#log('warn', `Keys cannot be looked up: ${faultText(fault)}`)
    else this.#log('info', 'Keys can be looked up again')
  }
}

/** Checks what the store holds: its form, and that it is indeed about this digest. */
function readRecord(body: unknown, digest: string): KeyRecord {
  const result = KeyRecord.safeParse(JSON.parse(String(body)))
  if (!result.success) throw new Error('an entry of the key directory is damaged; publish the keys again')
  const [found, asked] = [Buffer.from(result.data.digest), Buffer.from(digest)]
  if (found.length !== asked.length || !timingSafeEqual(found, asked))
    throw new Error('an entry of the key directory is about another key; publish the keys again')
  return result.data
}

/** Look-ups are rare, one per key and half minute, so each may have a timer. */
function withDeadline<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
