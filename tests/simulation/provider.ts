/**
 * The provider's bill, the truth that the ledger is held to: what each call used, on which quota, whatever the
 * gateways say. A call that is served uses its input at once and its output evenly; when its gateway dies, what
 * was made by then is billed.
 */
import type { Call } from './plan.ts'

export type Bill = {
  readonly call: Call
  readonly quotaId: string
  readonly beganAtMs: number
  /** Null while it is served. */
  endedAtMs: number | null
}

export class Provider {
  readonly #bills = new Map<string, Bill>()

  begin(call: Call, quotaId: string, nowMs: number): void {
    this.#bills.set(call.id, { call, quotaId, beganAtMs: nowMs, endedAtMs: null })
  }

  end(call: Call, nowMs: number): void {
    const bill = this.#bills.get(call.id)
    if (bill !== undefined) bill.endedAtMs ??= nowMs
  }

  /** Undefined when nothing of this call ever came here. */
  billOf(callId: string): Bill | undefined {
    return this.#bills.get(callId)
  }

  /** What a call had used at this time. */
  tokensAt(call: Call, atMs: number): number {
    const bill = this.#bills.get(call.id)
    if (bill === undefined) return call.inputTokens
    const untilMs = Math.min(atMs, bill.endedAtMs ?? atMs)
    const share = Math.min(1, (untilMs - bill.beganAtMs) / call.durationMs)
    return call.inputTokens + Math.floor(call.outputTokens * share)
  }

  get bills(): Iterable<Bill> {
    return this.#bills.values()
  }
}
