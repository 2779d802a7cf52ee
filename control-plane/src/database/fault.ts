/**
 * What a database error means for whoever asked. Constraints are named `<table>_<column>_<kind>` in the
 * migrations, so the field at fault is read from the name. Texts of Postgres are never passed on: they quote rows.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'

export type DatabaseFault = {
  /** `retry`: may pass if tried again; `refused`: the data is at fault; `bug`: neither. */
  readonly kind: 'retry' | 'refused' | 'bug'
  /** The SQLSTATE, or the code of the operating system. */
  readonly code: string
}

type PgError = Error & { code?: unknown; table?: unknown; constraint?: unknown }

const SQLSTATE = /^[0-9A-Z]{5}$/
/** Connection, transaction state, resources, operator intervention (also statement time-out), system. */
const RETRY_CLASSES = new Set(['08', '25', '40', '53', '55', '57', '58'])
/** Cardinality, data, integrity, what is outside the scope of teams, and values too large for an index. */
const REFUSED_CLASSES = new Set(['21', '22', '23', '44', '54'])
/** A row that would be of no team that whoever writes may see; see team-scope.ts. */
const OUT_OF_SCOPE = '44000'

/** Judges an error thrown by a query; null when it did not come from the database or its driver. */
export function databaseFault(thrown: unknown): DatabaseFault | null {
  if (!(thrown instanceof Error) || thrown instanceof AdminProblem) return null
  const code = (thrown as PgError).code
  if (typeof code === 'string' && SQLSTATE.test(code) && 'severity' in thrown) {
    const group = code.slice(0, 2)
    if (RETRY_CLASSES.has(group)) return { kind: 'retry', code }
    return { kind: REFUSED_CLASSES.has(group) ? 'refused' : 'bug', code }
  }
  if (typeof code === 'string' && /^E[A-Z]{3,}$/.test(code)) return { kind: 'retry', code }
  // The driver's own errors carry no code.
  if (/timeout|terminated|Connection|connection|socket/.test(thrown.message))
    return { kind: 'retry', code: 'driver' }
  return null
}

/** Two transactions got in each other's way, and nothing else: worth another try at once. */
export function isSerialisationFault(thrown: unknown): boolean {
  const code = databaseFault(thrown)?.code
  return code === '40001' || code === '40P01'
}

/** The problem to answer with for an error of the database; null when it is no such error. */
export function problemOfDatabase(thrown: unknown): AdminProblem | null {
  const fault = databaseFault(thrown)
  if (fault === null || fault.kind === 'bug') return null
  if (fault.kind === 'retry') {
    return new AdminProblem('database_unavailable', 'The database cannot be asked right now. Try again.', {
      cause: thrown,
    })
  }
  const pointer = fault.code === OUT_OF_SCOPE ? '/team_id' : pointerOf(thrown as PgError)
  if (fault.code === '23505') {
    const message = pointer === '' ? 'something like it exists' : 'taken by something that exists'
    return new AdminProblem('conflict', 'Something with the same name or place exists already.', {
      cause: thrown,
      faults: [{ pointer, code: 'taken', message, fix: 'Choose another, or use the one there is.' }],
    })
  }
  const missing = fault.code === '23503' || fault.code === OUT_OF_SCOPE
  return new AdminProblem(
    'invalid_request',
    missing ? 'It refers to something that is not there.' : 'A value cannot be kept.',
    {
      cause: thrown,
      faults: [
        {
          pointer,
          code: missing ? 'unknown_reference' : 'invalid_value',
          message: missing
            ? 'there is nothing with this id, or it belongs elsewhere'
            : 'this value cannot be kept',
          fix: missing
            ? 'Send the id of something that exists.'
            : 'Send a value within the documented range.',
        },
      ],
    },
  )
}

/** The table whose rows keep a deletion from being done, in our words: `model aliases`. */
export function referrerOf(thrown: unknown): string {
  const { table } = thrown as PgError
  return typeof table === 'string' ? table.replaceAll('_', ' ') : 'other things'
}

function pointerOf(fault: PgError): string {
  const { table, constraint } = fault
  if (typeof table !== 'string' || typeof constraint !== 'string') return ''
  if (!constraint.startsWith(`${table}_`)) return ''
  const column = constraint.slice(table.length + 1).replace(/_(key|fkey|check|pkey)\d*$/, '')
  return `/${column}`
}
