/**
 * What the programme ends with, so that scripts can tell what happened without reading messages. One table; the help
 * and the reference page are printed from it.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import { redact } from '@headgate/domain/redaction'
import { ZodError } from 'zod'

const table = {
  done: { code: 0, meaning: 'Done, or nothing had to be done.' },
  failed: { code: 1, meaning: 'It failed: the server said no, or could not be reached.' },
  usage: { code: 2, meaning: 'Wrong usage: an unknown command or flag, a value that cannot be right.' },
  differs: { code: 3, meaning: 'A check did not pass, or a difference was found.' },
  signedOut: { code: 4, meaning: 'Not signed in: no token, or one that is unknown, expired or revoked.' },
  forbidden: { code: 5, meaning: 'Signed in, but not permitted.' },
  conflict: { code: 6, meaning: 'A conflict with what is there, or it changed meanwhile.' },
  partly: { code: 7, meaning: 'Partly done: some of several things failed.' },
  interrupted: { code: 130, meaning: 'Interrupted (Ctrl-C).' },
} as const

export type Ending = keyof typeof table

const TRACE_MAX = 2_000

/** Answers are held against the shapes of this version; another programme, or another version, answers otherwise. */
const STRANGER =
  'the answer is not what this version of headgate understands. Is the server a Headgate, and of the same version?'

/** Every way it can end, by code. */
export const endings: readonly { readonly code: number; readonly meaning: string }[] = Object.values(table)

/** The number of an ending. */
export function exitCode(ending: Ending): number {
  return table[ending].code
}

/** Ends the programme with a message. What is wrong and what to do are one text, since people read both. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault'
  readonly ending: Ending

  constructor(ending: Ending, message: string, more: { cause?: unknown } = {}) {
    super(message, more)
    this.ending = ending
  }
}

/** Says that what was typed cannot be right. */
export function wrongUsage(message: string): CommandFault {
  return new CommandFault('usage', message)
}

/** How the programme ends after this refusal of the server. */
function endingOf(problem: AdminProblem): Ending {
  if (problem.status === 401) return 'signedOut'
  if (problem.status === 403) return 'forbidden'
  if (problem.status === 409 || problem.status === 412 || problem.code === 'idempotency_key_reused')
    return 'conflict'
  return problem.status === 400 ? 'usage' : 'failed'
}

/** What is told of a fault, and how the programme ends. Faults of ours keep their trace for whoever reports them. */
export function toldOf(fault: unknown): { ending: Ending; text: string } {
  if (fault instanceof CommandFault) return { ending: fault.ending, text: fault.message }
  if (fault instanceof AdminProblem) return { ending: endingOf(fault), text: problemText(fault) }
  if (fault instanceof SyntaxError || fault instanceof ZodError) return { ending: 'failed', text: STRANGER }
  const text = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
  return { ending: 'failed', text: `this is a fault of headgate itself: ${redact(text, TRACE_MAX)}` }
}

function problemText({ message, code, faults, requestId }: AdminProblem): string {
  const lines = faults.map((it) => `  ${it.pointer === '' ? '' : `${it.pointer}: `}${it.message}. ${it.fix}`)
  const request = requestId === null ? '' : `, request ${requestId}`
  return [message, ...lines, `  (${code}${request})`].join('\n')
}
