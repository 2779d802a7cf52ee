/** The page of error codes: the data plane's closed table with its notes, and the admin API's problems. */
import { problemCodes, problemRow } from '@headgate/admin-contract/problem'
import {
  type ErrorCode,
  type ErrorDetail,
  errorBody,
  errorCodes,
  errorRow,
  GatewayError,
  retryHeaders,
} from '@headgate/domain/gateway-error'
import { errorNotes } from './error-notes.ts'
import { code, pageHead, table } from './markdown.ts'

const REQUEST_ID = 'req_01JD0000000000000000000000'
const WAIT_MS = 1200

/** What a 429 of ours knows beside its code. */
const LIMITED: ErrorDetail = {
  scope: { kind: 'key', name: 'build-bot' },
  limit: 60,
  used: 60,
  requested: 1,
  unit: 'requests/min',
}

export function errorsPage(): string {
  return [
    pageHead('Errors', '`domain/src/gateway-error.ts` and `admin-contract/src/problem.ts`'),
    'The data plane refuses with one of these codes and no other. Other 4xx answers of a provider (400, 404, 422',
    'and the like) pass to the caller as they came. The body has the four fields that OpenAI clients read, and an',
    'object of our own beside them. `denied_by` says who refused: `gateway`, `gateway_policy`, `gateway_limit` or',
    '`upstream`.\n',
    `\`\`\`json\n${exampleBody('limit_requests', LIMITED)}\n\`\`\`\n`,
    'A refusal with status 408, 429 or 5xx also carries `x-should-retry`; where a wait is known, `retry-after`',
    '(seconds) and `retry-after-ms`. The official clients obey these.\n',
    '## All codes\n',
    table(
      ['Code', 'Status', 'Type', 'Retry'],
      errorCodes.map((it) => [
        `[\`${it}\`](#${it})`,
        String(errorRow(it).status),
        errorRow(it).type,
        retryHeaders(exampleOf(it))['x-should-retry'] === 'true' ? 'yes' : 'no',
      ]),
    ),
    ...errorCodes.map(section),
    '## Admin API\n',
    'The admin API answers with `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`,',
    '`instance`, `code`, `request_id`, and `errors`, a list of `{ pointer, code, message, fix }`.\n',
    table(
      ['Code', 'Status', 'Title'],
      problemCodes.map((it) => [code(it), String(problemRow(it).status), problemRow(it).title]),
    ),
  ].join('\n')
}

function section(it: ErrorCode): string {
  const { status, type, text } = errorRow(it)
  const { when, caller, operator } = errorNotes[it]
  return [
    `### ${it}\n`,
    `${status}, \`${type}\`. "${text}"\n`,
    `- When: ${when}`,
    `- Caller: ${caller}`,
    `- Operator: ${operator}\n`,
  ].join('\n')
}

/** As a thrower would make it: a code that is worth waiting for knows how long. */
function exampleOf(it: ErrorCode, detail: ErrorDetail = {}): GatewayError {
  return new GatewayError(it, { ...detail, ...(errorRow(it).retry && { retryAfterMs: WAIT_MS }) })
}

function exampleBody(it: ErrorCode, detail: ErrorDetail): string {
  return JSON.stringify(JSON.parse(errorBody(exampleOf(it, detail), REQUEST_ID)), null, 2)
}
