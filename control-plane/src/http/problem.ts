/**
 * Turns whatever was thrown into a problem body, in this one place. What is not ours to show becomes
 * `internal_error` with the request id, and the log has the rest.
 */
import {
  AdminProblem,
  type Fault,
  isProblemCode,
  type ProblemCode,
  problemRow,
} from '@headgate/admin-contract/problem'
import { renameKey, wirePointer } from '@headgate/admin-contract/wire'
import type { z } from 'zod'
import { problemOfDatabase } from '../database/fault.ts'

const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,40}$/

/** Codes of the HTTP framework for what it refuses before a handler runs. */
const frameworkCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_content',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_BAD_URL: 'not_found',
  FST_ERR_REOPENED_CLOSE_SERVER: 'draining',
}

/** The problem that a thrown value is. */
export function toProblem(thrown: unknown): AdminProblem {
  if (thrown instanceof AdminProblem) return thrown
  const ofDatabase = problemOfDatabase(thrown)
  if (ofDatabase !== null) return ofDatabase
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown }
  const known = typeof code === 'string' ? frameworkCodes[code] : undefined
  if (known !== undefined) return new AdminProblem(known, `${problemRow(known).title}.`)
  // The JSON parser's own errors carry a status and no code.
  if (statusCode === 400) return new AdminProblem('invalid_json', 'The body is not valid JSON.')
  return new AdminProblem(
    'internal_error',
    'This is a fault of ours. Quote the request id to whoever runs this.',
    {
      cause: thrown,
    },
  )
}

/** The body as it goes out. */
export function problemBody(problem: AdminProblem, request: { id: string; path: string }): string {
  const title = isProblemCode(problem.code) ? problemRow(problem.code).title : problem.code
  return JSON.stringify({
    type: `/docs#problem-${problem.code}`,
    title,
    status: problem.status,
    detail: problem.message,
    instance: request.path,
    code: problem.code,
    request_id: request.id,
    errors: problem.faults,
  })
}

/**
 * The problem of a body or query that does not have its shape, each fault with a pointer in the words of the
 * wire. Values are never repeated: a secret pasted into the wrong field must not come back in an error.
 */
export function shapeProblem(error: z.ZodError, part: 'body' | 'query', shape: z.ZodType): AdminProblem {
  const known = Object.keys((shape as { shape?: object }).shape ?? {}).map(renameKey)
  const faults = error.issues.flatMap((issue) => faultsOf(issue, part, known))
  const first = faults[0]
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const detail =
    first === undefined ? 'The request is malformed.' : `${first.pointer || 'body'}: ${first.message}${more}.`
  return new AdminProblem('invalid_request', detail, { faults })
}

function faultsOf(issue: z.core.$ZodIssue, part: 'body' | 'query', known: readonly string[]): Fault[] {
  const at = (path: readonly PropertyKey[]) => {
    const pointer = wirePointer(path)
    return part === 'body' ? pointer : `?${pointer.slice(1)}`
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      // What is no name of ours in its form may be anything, a secret too, and is not repeated.
      pointer: at(FIELD_NAME.test(key) ? [...issue.path, key] : issue.path),
      code: 'unknown_field',
      message: 'there is no such field',
      fix:
        issue.path.length > 0 || known.length === 0
          ? 'Remove it, or correct its name; names are snake_case.'
          : `Remove it, or take one of these: ${known.join(', ')}.`,
    }))
  }
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
  return [
    {
      pointer: at(issue.path),
      code: isMissing ? 'missing' : issue.code,
      message: isMissing ? 'is missing' : issue.message,
      fix: isMissing ? 'Add it.' : 'Send a value of the expected form.',
    },
  ]
}
