/**
 * Where usage records leave a gateway. The records of one turn of the event loop become one entry of a Redis
 * stream. What Redis does not take stays here, in order, and is sent again; since an answer can be
 * lost after the deed, a record may arrive twice, which `requestId` and `attempt` tell.
 */
import type { Log, UsageStream } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { RedisClient } from './client.ts'
import { backoffMs } from './link.ts'
import { faultText } from './watched-link.ts'

export type UsageStreamOptions = {
  readonly log: Log
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  /** How many records are kept here while Redis is away; 100 000. Beyond it the oldest go. */
  readonly recordsMax?: number
  /** How many entries the stream may hold before its oldest go; 1 000 000. */
  readonly entriesMax?: number
}

export type RedisUsageStream = UsageStream & {
  /** Records that have not reached Redis yet. */
  waiting(): number
  /** Records given up: too many while Redis was away. */
  dropped(): number
  close(): void
}

/** Records of one entry, as JSON texts. */
type Chunk = string[]

const RECORDS_MAX = 100_000
const ENTRIES_MAX = 1_000_000
const CHUNK_MAX = 50
const SENDING_MAX = 16
/** Records gather this long and leave together: an entry of fifty costs little more than an entry of one. */
const SEND_EACH_MS = 5
const TRIM_EACH_MS = 10_000

/** A usage stream on a Redis client. */
export function redisUsageStream(client: RedisClient, options: UsageStreamOptions): RedisUsageStream {
  return new BufferedStream(client, options)
}

class BufferedStream implements RedisUsageStream {
  readonly #client: RedisClient
  readonly #options: UsageStreamOptions
  readonly #key: string
  readonly #recordsMax: number
  readonly #trimmer: NodeJS.Timeout
  /** Not yet sent, oldest first. */
  readonly #chunks: Chunk[] = []
  /** Called when nothing waits any more. */
  readonly #flushed: (() => void)[] = []
  #waiting = 0
  #sending = 0
  #dropped = 0
  #failures = 0
  #droppedSinceSaid = 0
  #pumpScheduled = false
  #retry: NodeJS.Timeout | null = null

  constructor(client: RedisClient, options: UsageStreamOptions) {
    this.#client = client
    this.#options = options
    this.#key = `${options.prefix ?? 'hg:'}usage`
    this.#recordsMax = options.recordsMax ?? RECORDS_MAX
    this.#trimmer = setInterval(() => void this.#trim(), TRIM_EACH_MS)
    this.#trimmer.unref()
  }

  append(record: UsageRecord): void {
    const last = this.#chunks.at(-1)
    const text = JSON.stringify(record)
    if (last !== undefined && last.length < CHUNK_MAX) last.push(text)
    else this.#chunks.push([text])
    this.#waiting += 1
    if (this.#waiting > this.#recordsMax) this.#dropOldest()
    this.#schedulePump()
  }

  flush(timeoutMs: number): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve()
    this.#pump()
    return new Promise((done) => {
      const timer = setTimeout(done, timeoutMs)
      this.#flushed.push(() => {
        clearTimeout(timer)
        done()
      })
    })
  }

  waiting(): number {
    return this.#waiting
  }

  dropped(): number {
    return this.#dropped
  }

  close(): void {
    clearInterval(this.#trimmer)
    if (this.#retry !== null) clearTimeout(this.#retry)
  }

  #dropOldest(): void {
    const oldest = this.#chunks.shift()
    if (oldest === undefined) return
    if (this.#droppedSinceSaid === 0)
      this.#options.log('error', 'USAGE RECORDS ARE BEING LOST: Redis is away too long')
    this.#droppedSinceSaid += oldest.length
    this.#dropped += oldest.length
    this.#waiting -= oldest.length
  }

  #schedulePump(): void {
    if (this.#pumpScheduled || this.#retry !== null) return
    this.#pumpScheduled = true
    setTimeout(() => {
      this.#pumpScheduled = false
      this.#pump()
    }, SEND_EACH_MS)
  }

  #pump(): void {
    while (this.#sending < SENDING_MAX && this.#retry === null) {
      const chunk = this.#chunks.shift()
      if (chunk === undefined) return
      this.#sending += 1
      void this.#send(chunk)
    }
  }

  async #send(chunk: Chunk): Promise<void> {
    try {
      await this.#client.send(this.#key, ['XADD', this.#key, '*', 'r', `[${chunk.join(',')}]`])
      this.#sending -= 1
      this.#waiting -= chunk.length
      this.#becomeWell()
      if (this.#chunks.length > 0) this.#schedulePump()
      else if (this.#waiting === 0) for (const done of this.#flushed.splice(0)) done()
    } catch (fault) {
      this.#sending -= 1
      this.#chunks.unshift(chunk)
      this.#becomeTroubled(fault)
    }
  }

  #becomeWell(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#options.log('info', 'Usage records reach Redis again', { lost: this.#droppedSinceSaid })
    this.#droppedSinceSaid = 0
  }

  #becomeTroubled(fault: unknown): void {
    if (this.#retry !== null) return
    if (this.#failures === 0) this.#options.log('warn', `Usage records wait here: ${faultText(fault)}`)
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.#pump()
    }, backoffMs(this.#failures))
    this.#retry.unref()
    this.#failures += 1
  }

  /** The last resort against a full Redis when nobody takes the records away. */
  async #trim(): Promise<void> {
    const kept = String(this.#options.entriesMax ?? ENTRIES_MAX)
    const command = ['XTRIM', this.#key, 'MAXLEN', '~', kept]
    const entries = Number(await this.#client.send(this.#key, command).catch(() => 0))
    if (entries > 0)
      this.#options.log('error', 'USAGE RECORDS WERE LOST: nobody takes them from Redis', { entries })
  }
}
