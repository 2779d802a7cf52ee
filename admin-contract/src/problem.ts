/**
 * A problem is an error of the admin API (RFC 9457), from a closed set of codes. One table gives each code
 * its status and title. The server throws `AdminProblem` to refuse; the client throws it for what it was told.
 */
import { z } from 'zod'

type Row = { readonly status: number; readonly title: string }

const table = {
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_request: { status: 400, title: 'The request does not have the expected shape' },
  unauthenticated: { status: 401, title: 'Sign in first' },
  forged: { status: 403, title: 'This write may come from a foreign page' },
  groups_left_out: { status: 403, title: 'The directory did not tell all your groups' },
  forbidden: { status: 403, title: 'Your role may not do this' },
  not_found: { status: 404, title: 'There is nothing here, or nothing you may see' },
  method_not_allowed: { status: 405, title: 'This path does not accept this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  conflict: { status: 409, title: 'This conflicts with something that exists' },
  catalog_conflict: { status: 409, title: 'With this change the catalog would contradict itself' },
  idempotency_in_progress: { status: 409, title: 'A request with this Idempotency-Key is under way' },
  precondition_failed: { status: 412, title: 'It has changed since you read it' },
  body_too_large: { status: 413, title: 'The body is larger than 1 MiB' },
  unsupported_content: { status: 415, title: 'The body must be application/json' },
  idempotency_key_reused: { status: 422, title: 'This Idempotency-Key was sent with another request' },
  precondition_required: { status: 428, title: 'Say with If-Match which state you have seen' },
  too_many_streams: { status: 429, title: 'So many streams are open already' },
  anchor_failed: { status: 503, title: 'The anchor could not be written outside the database' },
  internal_error: { status: 500, title: 'The control plane failed; this is a fault of ours' },
  database_unavailable: { status: 503, title: 'The database cannot be asked right now' },
  directory_unavailable: { status: 503, title: 'The directory cannot be asked right now' },
  stream_ended: { status: 503, title: 'This stream has ended; go on with Last-Event-ID' },
  draining: { status: 503, title: 'This process is shutting down; send the request again' },
} as const satisfies Record<string, Row>

export type ProblemCode = keyof typeof table

/** All codes, for the reference and for exhaustive tests. */
export const problemCodes = Object.keys(table) as [ProblemCode, ...ProblemCode[]]

/** Status and title of a code. */
export function problemRow(code: ProblemCode): Row {
  return table[code]
}

/** One thing wrong: where (JSON pointer into the body, `?name` for a query parameter), what, and the cure. */
export const Fault = z.object({
  pointer: z.string(),
  code: z.string(),
  message: z.string(),
  fix: z.string(),
})
export type Fault = z.infer<typeof Fault>

/** The body of a problem, as it stands on the wire after its keys have become snake_case. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.enum(problemCodes).or(z.string()),
  requestId: z.string(),
  errors: z.array(Fault),
})
export type Problem = z.infer<typeof Problem>

/** Says no. Everything in it may be shown to whoever asked. */
export class AdminProblem extends Error {
  override readonly name = 'AdminProblem'
  readonly code: string
  readonly status: number
  readonly faults: readonly Fault[]
  /** Known on the client's side only. */
  readonly requestId: string | null
  /** What the thing's ETag is instead, where that is what went wrong. */
  readonly etag: string | null

  constructor(
    code: string,
    detail: string,
    more: {
      status?: number
      faults?: readonly Fault[]
      requestId?: string
      etag?: string
      cause?: unknown
    } = {},
  ) {
    super(detail, { cause: more.cause })
    this.code = code
    this.status = more.status ?? (isProblemCode(code) ? table[code].status : 500)
    this.faults = more.faults ?? []
    this.requestId = more.requestId ?? null
    this.etag = more.etag ?? null
  }
}

/** True for a code of the table; a newer server may know more of them than we do. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(table, code)
}
