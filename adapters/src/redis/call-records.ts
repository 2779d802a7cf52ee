/**
 * The gateway's end of questions about calls, through Redis: a list of questions for any control plane, and a list of
 * answers for this process, which is looked into only while something is waited for. What is not answered in time is
 * forgotten on both sides; the lists themselves expire, so nothing piles up while nobody answers.
 */
import { randomBytes } from 'node:crypto'
import type { CallRecords } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { ASK_DEADLINE_MS, QUESTIONS_MAX, recordsUnavailable } from '../call-question.ts'
import { readRecords } from '../usage-text.ts'
import type { RedisClient } from './client.ts'

export type CallRecordsOptions = {
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  readonly deadlineMs?: number
}

const POLL_MIN_MS = 10
const POLL_MAX_MS = 100
const ANSWERS_PER_ASK = '100'
/** Of all gateways together, beyond which the oldest go unanswered. */
const LIST_MAX = 1_000
const LIST_KEPT_MS = '10000'

export function questionsKey(prefix: string): string {
  return `${prefix}calls:asked`
}

export function answersKey(prefix: string, gateway: string): string {
  return `${prefix}calls:told:${gateway}`
}

/** One for the life of a process. */
export function redisCallRecords(client: RedisClient, options: CallRecordsOptions = {}): CallRecords {
  return new Asking(client, options)
}

type Waiting = { resolve(records: readonly UsageRecord[]): void }

class Asking implements CallRecords {
  readonly #client: RedisClient
  readonly #deadlineMs: number
  readonly #gateway = randomBytes(9).toString('hex')
  readonly #questions: string
  readonly #answers: string
  readonly #waiting = new Map<number, Waiting>()
  #asked = 0
  #polling = false

  constructor(client: RedisClient, { prefix = 'hg:', deadlineMs = ASK_DEADLINE_MS }: CallRecordsOptions) {
    this.#client = client
    this.#deadlineMs = deadlineMs
    this.#questions = questionsKey(prefix)
    this.#answers = answersKey(prefix, this.#gateway)
  }

  find(question: Parameters<CallRecords['find']>[0]): Promise<readonly UsageRecord[]> {
    if (this.#waiting.size >= QUESTIONS_MAX)
      return Promise.reject(recordsUnavailable('too many questions wait'))
    const number = ++this.#asked
    const entry = JSON.stringify({ gateway: this.#gateway, number, ...question })
    return new Promise((resolve, reject) => {
      const end = (how: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(number)
        how()
      }
      const timer = setTimeout(
        () => end(() => reject(recordsUnavailable('no answer in time'))),
        this.#deadlineMs,
      )
      this.#waiting.set(number, { resolve: (records) => end(() => resolve(records)) })
      this.#ask(entry).catch(() => end(() => reject(recordsUnavailable('Redis is away'))))
      if (!this.#polling) void this.#poll()
    })
  }

  async #ask(entry: string): Promise<void> {
    const key = this.#questions
    await Promise.all([
      this.#client.send(key, ['RPUSH', key, entry]),
      this.#client.send(key, ['LTRIM', key, String(-LIST_MAX), '-1']),
      this.#client.send(key, ['PEXPIRE', key, LIST_KEPT_MS]),
    ])
  }

  /** Looks for answers, ever less often while none come, until nothing is waited for. */
  async #poll(): Promise<void> {
    this.#polling = true
    for (let waitMs = POLL_MIN_MS; this.#waiting.size > 0; waitMs = Math.min(POLL_MAX_MS, waitMs * 2)) {
      await new Promise((done) => setTimeout(done, waitMs))
      const reply = await this.#client
        .send(this.#answers, ['LPOP', this.#answers, ANSWERS_PER_ASK])
        .catch(() => null)
      if (!Array.isArray(reply)) continue
      for (const text of reply) this.#hear(String(text))
      waitMs = POLL_MIN_MS
    }
    this.#polling = false
  }

  /** A number, a colon, and a list of records. */
  #hear(text: string): void {
    const colon = text.indexOf(':')
    const { records, dead } = readRecords(text.slice(colon + 1))
    // An answer that cannot be read is none: who asked is told so when the time is up.
    if (dead.length === 0) this.#waiting.get(Number(text.slice(0, colon)))?.resolve(records)
  }
}
