/** What both ways of asking about calls have in common: how long and how many may wait, and what is said else. */
import { GatewayError } from '@headgate/domain/gateway-error'

/** A question is no call: whoever asks can ask again. */
export const ASK_DEADLINE_MS = 2_000
/** Of one gateway, at once. */
export const QUESTIONS_MAX = 64
const RETRY_AFTER_MS = 2_000

export function recordsUnavailable(internal: string): GatewayError {
  return new GatewayError('records_unavailable', { internal, retryAfterMs: RETRY_AFTER_MS })
}
