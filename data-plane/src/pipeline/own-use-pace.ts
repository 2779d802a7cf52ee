/**
 * The pace at which a key may ask about its own use. Such questions cost no tokens and count against no limit, so
 * without a pace of their own they would be the cheapest way to keep Redis and the control plane busy.
 */
import { bucketAfter, bucketWaitMs } from '@headgate/domain/bucket'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Pool } from '@headgate/domain/reservation'

/** A quarter of it at once, as with every limit. */
const PER_MINUTE = 60
const KEYS_MAX = 10_000

export class OwnUsePace {
  /** By key: when its questions so far will have been paid off. */
  readonly #tats = new Map<string, number>()

  /**
   * Counts a question of a key.
   * @param nowMs monotonic
   * @throws GatewayError `limit_requests`
   */
  take(key: { readonly id: string; readonly name: string }, nowMs: number): void {
    const pool: Pool = { bucket: key.id, kind: 'bucket', limit: PER_MINUTE, windowMs: 60_000 }
    const tatMs = this.#tats.get(key.id) ?? 0
    const waitMs = bucketWaitMs(pool, 1, tatMs, nowMs) ?? 0
    if (waitMs > 0) {
      throw new GatewayError('limit_requests', {
        public: `Questions about own use are limited to ${PER_MINUTE} a minute for each key. Ask again in about ${Math.ceil(waitMs / 1000)} s.`,
        ...{ scope: { kind: 'key', name: key.name }, limit: PER_MINUTE, requested: 1, unit: 'requests/min' },
        retryAfterMs: waitMs,
      })
    }
    this.#forgetIdle(nowMs)
    this.#tats.set(key.id, bucketAfter(pool, 1, tatMs, nowMs))
  }

  #forgetIdle(nowMs: number): void {
    if (this.#tats.size < KEYS_MAX) return
    for (const [id, tatMs] of this.#tats) if (tatMs <= nowMs) this.#tats.delete(id)
  }
}
