/**
 * The end of an answered call whose usage no provider told: a stream that was cut or left, an answer without figures.
 * Its tokens are counted beside, which takes milliseconds. Until then the call is held and written down as it was
 * estimated, and then settled once, with ledger, budgets and record saying the same. Its caller never waits.
 */
import { costOf } from '@headgate/domain/cost'
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { Said } from '../tokenizer/question.ts'
import type { Answered } from './call.ts'
import { type Ending, recordOf, withCount } from './ending.ts'
import type { Gateway } from './gateway.ts'
import type { LiveStream } from './live-streams.ts'
import { tellJournal, tellLedger } from './progress.ts'
import { countQuestion, settle } from './settle.ts'

/**
 * Settles a call when its tokens were counted, or on the estimate that `ending` holds when they could not be.
 * @param said what left for the caller; a promise where it has yet to be read, of null when it is more than is counted
 */
export async function settleUncounted(
  call: Answered,
  ending: Ending,
  said: Said | Promise<string[] | null>,
  gateway: Gateway,
): Promise<void> {
  const ended = { ...ending, endedAtMs: gateway.clock.monotonicMs() }
  const counting = new CountedCall(call, ended, gateway)
  call.request.endLoad()
  tellJournal(call, ended.usage, ended)
  gateway.streams.add(counting)
  const read = said instanceof Promise ? await said : said
  const isTooMuch = said instanceof Promise && read === null
  const counted = isTooMuch ? null : await gateway.tokens.count(countQuestion(call, read))
  gateway.streams.remove(counting)
  settle(call, withCount(ended, counted), gateway)
}

/** A call that has ended and is being counted: for its caller still under way, and still held. */
class CountedCall implements LiveStream {
  readonly #call: Answered
  readonly #ending: Ending & { readonly endedAtMs: number }
  readonly #gateway: Gateway

  constructor(call: Answered, ending: Ending & { readonly endedAtMs: number }, gateway: Gateway) {
    this.#call = call
    this.#ending = ending
    this.#gateway = gateway
  }

  get requestId(): string {
    return this.#call.request.id
  }

  soFar(): UsageRecord {
    const { tokens, details, serviceTier } = this.#ending.usage
    const cost = costOf(tokens, this.#call.price, details, serviceTier)
    return recordOf(this.#call, this.#ending, cost, this.#ending.endedAtMs)
  }

  tick(): void {
    tellLedger(this.#call, this.#ending.usage, this.#gateway)
  }

  /** Nothing is sent any more; whoever stops the gateway waits for the count. */
  shutDown(): void {}
}
