/**
 * How busy one deployment is and how fast it answers, as this gateway sees it. Latency is a "peak EWMA" (Finagle,
 * Linkerd): a slower answer counts at once, a faster one bit by bit, and what nobody measures anew fades, so that a
 * deployment which was slow is asked again after a while. A failure counts as a slow answer, however fast it came.
 */
import type { Load } from '@headgate/domain/choice'

/** Within this time an old figure fades to a third. */
const FADE_MS = 10_000
/** What a failure is held to have taken, at least. */
const FAILURE_MS = 10_000

export class DeploymentLoad implements Load {
  readonly #nowMs: () => number
  #inFlight = 0
  #latencyMs = 0
  #atMs = 0

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get latencyMs(): number {
    return this.#latencyMs * this.#faded()
  }

  begin(): void {
    this.#inFlight += 1
  }

  end(): void {
    this.#inFlight -= 1
  }

  /** @param latencyMs from the request sent to the head of its answer */
  answered(latencyMs: number): void {
    const faded = this.#faded()
    const eased = this.#latencyMs * faded + latencyMs * (1 - faded)
    this.#note(Math.max(latencyMs, eased))
  }

  failed(): void {
    this.#note(Math.max(FAILURE_MS, this.latencyMs))
  }

  #note(latencyMs: number): void {
    this.#latencyMs = latencyMs
    this.#atMs = this.#nowMs()
  }

  #faded(): number {
    return Math.exp((this.#atMs - this.#nowMs()) / FADE_MS)
  }
}
