/**
 * A watched link is opened again and again until it is closed, and replaced when its heartbeat stops. That
 * covers the greeting too, which a frozen server never answers and no library waits for with a deadline.
 */
import type { Log } from '@headgate/domain/ports'
import { redact } from '@headgate/domain/redaction'
import { backoffMs, type Link, makeLink } from './link.ts'
import type { RedisTarget } from './redis-url.ts'

export type Subscription = { readonly channel: string; readonly onMessage: () => void }

const CLOSE_WAIT_MS = 500
const HEARTBEAT_MS = 500
/** A link that lets this many go unanswered is replaced. Beats, not time: a busy loop of our own sends none. */
const MISSED_BEATS_MAX = 6

export class WatchedLink {
  readonly #target: RedisTarget
  readonly #log: Log
  readonly #subscription: Subscription | undefined
  readonly #first = Promise.withResolvers<void>()
  readonly #heart: NodeJS.Timeout
  #link: Link
  #state: 'new' | 'ready' | 'away' = 'new'
  #closed = false
  #missedBeats = 0

  /** @param subscription makes the link a listener, which sends nothing but heartbeats */
  constructor(target: RedisTarget, log: Log, subscription?: Subscription) {
    this.#target = target
    this.#log = log
    this.#subscription = subscription
    this.#link = this.#newLink()
    this.#heart = setInterval(() => this.#beat(), HEARTBEAT_MS)
    this.#heart.unref()
  }

  get state(): 'ready' | 'away' {
    return this.#state === 'ready' ? 'ready' : 'away'
  }

  send(key: string, args: string[]): Promise<unknown> {
    return this.#link.send(key, args)
  }

  /** Resolves when the first connection stands or the wait is over. */
  firstOpen(waitMs: number): Promise<void> {
    return Promise.race([this.#first.promise, pause(waitMs)])
  }

  /** Ends the link, after waiting a moment for answers to what was sent. */
  async close(): Promise<void> {
    const wasReady = this.#state === 'ready'
    this.#closed = true
    this.#state = 'away'
    clearInterval(this.#heart)
    if (wasReady) await Promise.race([this.#link.close().catch(() => {}), pause(CLOSE_WAIT_MS)])
    discard(this.#link)
  }

  #newLink(): Link {
    const made: Link = makeLink(this.#target, {
      onReady: () => made === this.#link && this.#becomeReady(),
      onTrouble: (fault) => made === this.#link && this.#becomeAway(fault),
    })
    setImmediate(() => void this.#keepOpening(made))
    return made
  }

  async #keepOpening(made: Link): Promise<void> {
    for (let tries = 0; made === this.#link && !this.#closed; tries++) {
      try {
        await made.open()
        if (this.#subscription) await made.subscribe(this.#subscription.channel, this.#subscription.onMessage)
        if (made === this.#link) this.#becomeReady()
        return
      } catch (fault) {
        if (made !== this.#link || this.#closed) return
        this.#becomeAway(fault)
        await pause(backoffMs(tries))
      }
    }
  }

  #beat(): void {
    this.#missedBeats += 1
    if (this.#missedBeats > MISSED_BEATS_MAX) {
      this.#replace()
      return
    }
    const asked = this.#link
    asked.ping().then(
      () => asked === this.#link && this.#becomeReady(),
      (fault) => asked === this.#link && this.#becomeAway(fault),
    )
  }

  #replace(): void {
    this.#becomeAway(new Error('no answer to the heartbeat'))
    const old = this.#link
    this.#link = this.#newLink()
    this.#missedBeats = 0
    discard(old)
  }

  #becomeReady(): void {
    this.#missedBeats = 0
    this.#first.resolve()
    if (this.#state === 'ready' || this.#closed) return
    this.#log('info', `Redis at ${this.#where()} is reachable`)
    this.#state = 'ready'
  }

  #becomeAway(fault: unknown): void {
    if (this.#state === 'away' || this.#closed) return
    this.#log('warn', `Redis at ${this.#where()} is away: ${textOf(fault, this.#target.password)}`)
    this.#state = 'away'
  }

  #where(): string {
    return this.#target.addresses.map((it) => `${it.host}:${it.port}`).join(',')
  }
}

function discard(link: Link): void {
  try {
    link.destroy()
  } catch {
    // It was not open; there is nothing to end.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms).unref()
  })
}

/** One line about a fault, with the password taken out should a library ever repeat it. */
function textOf(fault: unknown, password: string | null): string {
  let text = faultText(fault)
  if (password !== null) text = text.replaceAll(password, '[redacted]')
  if (text.startsWith('MOVED')) text += ' (this is a cluster: write its URL as redis+cluster://)'
  return redact(text, 300)
}

/** Node puts the reasons of a failed connect into an AggregateError with an empty message. */
export function faultText(fault: unknown): string {
  if (fault instanceof AggregateError && fault.message === '') return fault.errors.map(faultText).join('; ')
  return fault instanceof Error ? fault.message || fault.name : String(fault)
}
