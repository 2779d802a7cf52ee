/** The thread that counts tokens: bounded memory, nothing of our environment, and a way to be rid of it. */
import { Worker } from 'node:worker_threads'
import type { CountAnswer, PostedQuestion } from './question.ts'

/** An encoding takes some tens of megabytes; a body and its texts, up to three times the largest body. */
const HEAP_MB_MAX = 320
const YOUNG_MB_MAX = 32
const SCRIPT = new URL('./count-worker.ts', import.meta.url)

type Hearer = {
  readonly onAnswer: (answer: CountAnswer) => void
  /** It died by itself. */
  readonly onLost: (reason: string) => void
}

export class CountThread {
  readonly #worker: Worker
  #hearer: Hearer | null

  constructor(script: URL = SCRIPT, hearer: Hearer) {
    this.#hearer = hearer
    this.#worker = new Worker(script, {
      ...{ name: 'tokenizer', env: {}, execArgv: [], argv: [] },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX, maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    })
    this.#worker.unref()
    this.#worker.on('message', (answer: CountAnswer) => this.#hearer?.onAnswer(answer))
    this.#worker.on('error', (fault) => this.#lost(fault instanceof Error ? fault.message : String(fault)))
    this.#worker.on('exit', (code) => this.#lost(`ended with ${code}`))
  }

  /** Its bytes go over to the thread and are no longer ours. */
  ask(question: PostedQuestion): void {
    const { body, said } = question
    const bytes = said instanceof Uint8Array ? [body.buffer, said.buffer] : [body.buffer]
    this.#worker.postMessage(question, bytes as ArrayBuffer[])
  }

  /** Nothing is heard of it any more. */
  end(): void {
    this.#hearer = null
    void this.#worker.terminate()
  }

  #lost(reason: string): void {
    const hearer = this.#hearer
    this.#hearer = null
    hearer?.onLost(reason)
  }
}
