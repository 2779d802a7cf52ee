/**
 * Has the tokens counted that no provider told of, in one thread that is started when it is first needed. Everything
 * about it is bounded: how much waits, how long anybody waits, its memory, its time for one question. Whoever gets
 * no answer goes on with the estimate, so a thread that hangs or dies harms nobody.
 */
import type { Log } from '@headgate/domain/ports'
import { redact } from '@headgate/domain/redaction'
import { CountThread } from './count-thread.ts'
import type { CountAnswer, CountedTokens, CountQuestion, PostedQuestion } from './question.ts'

export type CounterBounds = {
  /** The longest anybody waits for an answer. */
  readonly waitMs: number
  /** How long the counting of one call may take. */
  readonly workMs: number
  /** A thread that is silent for so long over one question hangs. Loading the encoding is part of it. */
  readonly hangMs: number
  /** Without a question for so long, the thread ends and gives its memory back. */
  readonly idleMs: number
  /** After a thread has died or was ended, no other is started for so long. */
  readonly restMs: number
  readonly questionsMax: number
  /** Of all questions that wait. */
  readonly bytesMax: number
}

const BOUNDS: CounterBounds = {
  ...{ waitMs: 5_000, workMs: 3_000, hangMs: 10_000, idleMs: 300_000, restMs: 1_000 },
  ...{ questionsMax: 256, bytesMax: 32 * 1024 * 1024 },
}

/** What became of questions: counted, or why the estimate stands. */
type CountOutcome = 'counted' | 'given_up' | 'late' | 'full' | 'died'

type Waiting = {
  readonly question: CountQuestion
  readonly bytes: number
  readonly timer: NodeJS.Timeout
  /** Again does nothing. */
  readonly end: (outcome: CountOutcome, counted?: CountedTokens) => void
}

export class TokenCounter {
  readonly tally: Record<CountOutcome, number> = { counted: 0, given_up: 0, late: 0, full: 0, died: 0 }
  readonly #log: Log
  readonly #bounds: CounterBounds
  readonly #script: URL | undefined
  readonly #waiting = new Set<Waiting>()
  readonly #open = new Set<Waiting>()
  #bytes = 0
  #thread: CountThread | null = null
  #atWork: Waiting | null = null
  #number = 0
  #hangTimer: NodeJS.Timeout | undefined
  #idleTimer: NodeJS.Timeout | undefined
  #restUntilMs = 0
  #isClosed = false
  #onEmpty: (() => void) | null = null

  /** @param script what the thread runs, where it is not ours; for tests of threads that misbehave */
  constructor(log: Log, bounds: Partial<CounterBounds> = {}, script?: URL) {
    this.#log = log
    this.#bounds = { ...BOUNDS, ...bounds }
    this.#script = script
  }

  /** The tokens of a call, or null when they are not to be had in time. Never rejects. */
  count(question: CountQuestion): Promise<CountedTokens | null> {
    const { body, said } = question
    const bytes = body.length + (Buffer.isBuffer(said) ? said.length : lengthOf(said))
    const { questionsMax, bytesMax, waitMs } = this.#bounds
    if (this.#isClosed || this.#waiting.size >= questionsMax || this.#bytes + bytes > bytesMax)
      return this.#refuse('full')
    if (this.#thread === null && performance.now() < this.#restUntilMs) return this.#refuse('died')
    return new Promise((resolve) => {
      const timer = setTimeout(() => it.end('late'), waitMs)
      const it: Waiting = {
        ...{ question, bytes, timer },
        end: (outcome, counted) => {
          if (!this.#open.delete(it)) return
          clearTimeout(timer)
          this.#leave(it)
          this.tally[outcome]++
          resolve(counted ?? null)
          if (this.#open.size === 0) this.#onEmpty?.()
        },
      }
      this.#open.add(it)
      this.#waiting.add(it)
      this.#bytes += bytes
      this.#next()
    })
  }

  /** Lets what was asked be answered for so long, then ends; from then on nothing is counted. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#open.size > 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        this.#onEmpty = () => resolve(clearTimeout(timer))
      })
    this.#isClosed = true
    for (const it of [...this.#open]) it.end('late')
    this.#endThread()
  }

  async #refuse(outcome: CountOutcome): Promise<null> {
    this.tally[outcome]++
    return null
  }

  #leave(it: Waiting): void {
    if (this.#waiting.delete(it)) this.#bytes -= it.bytes
  }

  #next(): void {
    if (this.#atWork !== null) return
    const [it] = this.#waiting
    clearTimeout(this.#idleTimer)
    if (it === undefined) {
      this.#idleTimer = setTimeout(() => this.#endThread(), this.#bounds.idleMs)
      this.#idleTimer.unref()
      return
    }
    this.#leave(it)
    this.#atWork = it
    this.#thread ??= this.#startThread()
    this.#hangTimer = setTimeout(
      () => this.#lose(`silent for ${this.#bounds.hangMs} ms`),
      this.#bounds.hangMs,
    )
    this.#thread.ask(postedOf(it.question, ++this.#number, this.#bounds.workMs))
  }

  #startThread(): CountThread {
    return new CountThread(this.#script, {
      onAnswer: (answer) => this.#hear(answer),
      onLost: (reason) => this.#lose(reason),
    })
  }

  #hear({ number, counted }: CountAnswer): void {
    const it = this.#atWork
    if (it === null || number !== this.#number) return
    clearTimeout(this.#hangTimer)
    this.#atWork = null
    it.end(counted === null ? 'given_up' : 'counted', counted ?? undefined)
    this.#next()
  }

  /** The thread is gone or is to go, and what it was asked has no answer; what waits would find none for a while. */
  #lose(reason: string): void {
    const it = this.#atWork
    this.#endThread()
    this.#log('warn', 'the thread that counts tokens was lost; estimates stand for what it had', {
      reason: redact(reason, 300),
    })
    this.#restUntilMs = performance.now() + this.#bounds.restMs
    it?.end('died')
    for (const waiting of [...this.#waiting]) waiting.end('died')
  }

  #endThread(): void {
    clearTimeout(this.#hangTimer)
    clearTimeout(this.#idleTimer)
    this.#atWork = null
    this.#thread?.end()
    this.#thread = null
  }
}

function lengthOf(texts: readonly string[] | null): number {
  return texts === null ? 0 : texts.reduce((sum, text) => sum + text.length, 0)
}

/** Bytes are copied here, once: they go over to the thread, and buffers may share what they lie in with others. */
function postedOf(
  { model, endpoint, body, said }: CountQuestion,
  number: number,
  workMs: number,
): PostedQuestion {
  return {
    ...{ number, model, endpoint, workMs },
    body: new Uint8Array(body),
    said: Buffer.isBuffer(said) ? new Uint8Array(said) : said,
  }
}
