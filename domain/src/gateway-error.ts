/**
 * The closed set of refusals and failures the gateway itself may answer with.
 * One table gives each code its status, its OpenAI error type, whether waiting helps and the sentence a
 * caller reads when the thrower has no better one. What operators read (`internal`) never leaves the process.
 */

type Row = { status: number; type: ErrorType; retry: boolean; text: string }

export type ErrorType =
  | 'invalid_request_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'insufficient_quota'
  | 'server_error'

const row = (status: number, type: ErrorType, retry: boolean, text: string): Row => ({
  status,
  type,
  retry,
  text,
})

const table = {
  invalid_request: row(400, 'invalid_request_error', false, 'The request is malformed.'),
  invalid_json: row(400, 'invalid_request_error', false, 'The body is not valid JSON.'),
  duplicate_key: row(400, 'invalid_request_error', false, 'The body names the same field twice.'),
  model_missing: row(400, 'invalid_request_error', false, 'The request names no model. Set "model".'),
  body_too_large: row(413, 'invalid_request_error', false, 'The body is larger than this endpoint accepts.'),
  unsupported_content: row(
    415,
    'invalid_request_error',
    false,
    'Send the body as application/json without a content-encoding.',
  ),
  unknown_endpoint: row(404, 'invalid_request_error', false, 'This gateway does not serve this path.'),
  method_not_allowed: row(405, 'invalid_request_error', false, 'This path does not accept this method.'),
  key_missing: row(
    401,
    'invalid_request_error',
    false,
    'No key was sent. Send it as "Authorization: Bearer hg_…" or in the "api-key" header.',
  ),
  key_invalid: row(
    401,
    'invalid_request_error',
    false,
    'The key is not valid here. Check that it was copied whole, or ask for a new one.',
  ),
  key_expired: row(401, 'invalid_request_error', false, 'The key has expired. Ask its owner for a new one.'),
  key_revoked: row(401, 'invalid_request_error', false, 'The key was revoked. Ask its owner for a new one.'),
  key_disabled: row(401, 'invalid_request_error', false, 'The key is disabled. Ask its owner to enable it.'),
  model_not_found: row(404, 'invalid_request_error', false, 'No model of this name is offered to this key.'),
  call_not_found: row(
    404,
    'invalid_request_error',
    false,
    'This key made no call with this id. A call that another gateway has just served may take some seconds to be found.',
  ),
  model_not_allowed: row(403, 'permission_error', false, 'This key may not use this model.'),
  endpoint_not_allowed: row(403, 'permission_error', false, 'This key may not use this endpoint.'),
  resource_not_allowed: row(
    403,
    'permission_error',
    false,
    'This key may use none of the accounts that serve this model.',
  ),
  context_length_exceeded: row(
    400,
    'invalid_request_error',
    false,
    'The input is longer than a policy lets it be.',
  ),
  max_tokens_over_cap: row(
    400,
    'invalid_request_error',
    false,
    'The call asks for a longer answer than a policy allows.',
  ),
  choices_over_cap: row(
    400,
    'invalid_request_error',
    false,
    'The call asks for more answers than a policy allows.',
  ),
  endpoint_not_offered: row(
    400,
    'invalid_request_error',
    false,
    'The model is not offered on this endpoint.',
  ),
  limit_requests: row(429, 'rate_limit_error', true, 'Too many requests this minute.'),
  limit_tokens: row(429, 'rate_limit_error', true, 'Not enough tokens left this minute.'),
  limit_concurrency: row(429, 'rate_limit_error', true, 'Too many calls at the same time.'),
  budget_exhausted: row(429, 'insufficient_quota', false, 'The budget is spent.'),
  budget_throttled: row(429, 'rate_limit_error', true, 'The budget is nearly spent: calls are slowed down.'),
  price_unknown: row(
    403,
    'permission_error',
    false,
    'The price of this model is not known, so a budget cannot let it pass.',
  ),
  limiter_unavailable: row(503, 'server_error', true, 'Limits cannot be checked right now.'),
  records_unavailable: row(503, 'server_error', true, 'What became of calls cannot be looked up right now.'),
  upstream_quota: row(429, 'rate_limit_error', true, 'The provider says our quota there is used up.'),
  upstream_capacity: row(503, 'server_error', true, 'The provider is busy; this is not your limit.'),
  upstream_auth: row(
    502,
    'server_error',
    false,
    'The gateway could not sign in at the provider; its operators have to mend this.',
  ),
  upstream_timeout: row(504, 'server_error', true, 'The provider did not answer in time.'),
  upstream_error: row(502, 'server_error', true, 'The provider could not be reached or broke off.'),
  upstream_truncated: row(502, 'server_error', true, 'The provider broke off before the answer was whole.'),
  no_healthy_deployment: row(503, 'server_error', true, 'No deployment of this model can serve now.'),
  client_closed: row(499, 'invalid_request_error', false, 'The caller went away.'),
  request_timeout: row(408, 'invalid_request_error', true, 'The request did not arrive in time.'),
  journal_full: row(503, 'server_error', true, 'The gateway has no room to record what a call uses.'),
  overloaded: row(503, 'server_error', true, 'The gateway is at its limit of open requests.'),
  draining: row(503, 'server_error', true, 'This gateway is shutting down; send the request again.'),
  loop_detected: row(508, 'server_error', false, 'The request came back to the gateway it left.'),
  not_ready: row(503, 'server_error', true, 'The gateway has no catalog yet.'),
  internal_error: row(500, 'server_error', true, 'The gateway failed; this is a fault of ours.'),
} as const satisfies Record<string, Row>

export type ErrorCode = keyof typeof table

/** All codes, for generated reference pages and exhaustive tests. */
export const errorCodes: readonly ErrorCode[] = Object.keys(table) as ErrorCode[]

/** What the table says of a code: HTTP status, OpenAI error type, whether a retry may help, default text. */
export function errorRow(code: ErrorCode): Readonly<Row> {
  return table[code]
}

/** Whose numbers a 429 talks about. Never another tenant's. */
export type DeniedScope = { kind: 'key' | 'user' | 'app' | 'team' | 'resource'; name: string }

export type ErrorDetail = {
  /** The sentence callers read; default is the table's. Never a secret, host name or another tenant's name. */
  public?: string
  /** What operators read in the log. Never leaves the process. */
  internal?: string
  /** The field at fault, as OpenAI's `param`. */
  param?: string
  /** How long to wait, in milliseconds; absent where waiting is no use. */
  retryAfterMs?: number
  scope?: DeniedScope
  /** Whom to ask for more: the caller's own team. */
  owner?: string
  limit?: number
  used?: number
  requested?: number
  unit?: string
  /** The policy that refused: always one of the caller's own key, app, team or organisation. */
  policy?: { readonly id: string; readonly name: string }
  /** The budget that refused: likewise. */
  budget?: { readonly id: string; readonly name: string }
  /** Headers that belong to this refusal alone, such as the state of the limits behind a 429. */
  headers?: Readonly<Record<string, string>>
  cause?: unknown
}

/** The only error a stage throws on purpose. Anything else is a bug and becomes `internal_error`. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly detail: ErrorDetail

  constructor(code: ErrorCode, detail: ErrorDetail = {}) {
    super(detail.internal ?? detail.public ?? table[code].text, { cause: detail.cause })
    this.code = code
    this.detail = detail
  }

  get status(): number {
    return table[this.code].status
  }
}

/** Gives any thrown value its place in the closed set; what is not ours becomes `internal_error`. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  const internal = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : thrownText(thrown)
  return new GatewayError('internal_error', { internal, cause: thrown })
}

/** Not every object can be made a string; an object without a prototype throws. */
function thrownText(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null ? 'an object that is no Error' : String(thrown)
}

/** The OpenAI-shaped body: the four fields every SDK reads, and ours beside them. */
export function errorBody(error: GatewayError, requestId: string): string {
  const { type, text } = table[error.code]
  const { public: sentence, param, scope, owner, limit, used, requested, unit, retryAfterMs } = error.detail
  const { policy, budget } = error.detail
  return JSON.stringify({
    error: {
      message: sentence ?? text,
      type,
      param: param ?? null,
      code: error.code,
      headgate: {
        request_id: requestId,
        denied_by: policy === undefined ? deniedBy(error.code) : 'gateway_policy',
        policy,
        budget,
        scope,
        owner,
        limit,
        used,
        requested,
        unit,
        reset_in_ms: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs),
      },
    },
  })
}

function deniedBy(code: ErrorCode): string {
  if (code.startsWith('limit_')) return 'gateway_limit'
  if (code.startsWith('budget_') || code === 'price_unknown') return 'gateway_budget'
  if (code.startsWith('upstream_')) return 'upstream'
  if (code.endsWith('_not_allowed') && code !== 'method_not_allowed') return 'gateway_policy'
  return 'gateway'
}

/**
 * Headers that tell an SDK whether and when to come back. Official clients read `x-should-retry` before any
 * status rule, then `retry-after-ms`, then `retry-after`; waits over 60 s are given up by saying false.
 */
export function retryHeaders(error: GatewayError): Record<string, string> {
  const { status, retry } = table[error.code]
  if (status < 429 && status !== 408) return {}
  const waitMs = error.detail.retryAfterMs
  if (!retry || (status === 429 && (waitMs === undefined || waitMs > 60_000))) {
    const headers: Record<string, string> = { 'x-should-retry': 'false' }
    if (waitMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(waitMs / 1000)))
    return headers
  }
  if (waitMs === undefined) return { 'x-should-retry': 'true' }
  return {
    'x-should-retry': 'true',
    'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))),
    'retry-after-ms': String(Math.max(1, Math.ceil(waitMs))),
  }
}
