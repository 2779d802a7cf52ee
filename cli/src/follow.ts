/**
 * Follows a stream of events until Ctrl-C. A connection that breaks, or that the server ends for reasons of its own, is
 * made again after the last event that came, so that none is missed and none is written twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamEvent } from '@headgate/admin-contract/event-stream'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { RequestEntry } from '@headgate/admin-contract/requests'
import { ZodError } from 'zod'
import type { Run } from './command.ts'
import { CommandFault, type Ending, toldOf, wrongUsage } from './exit-codes.ts'
import type { LooseInput } from './input.ts'
import { requestLine } from './request-line.ts'
import { formOf, show, shownReply } from './show.ts'

const WAIT_MS = 1_000
const WAIT_MS_MAX = 30_000
/** With these the server asks to come again. */
const PASSING: ReadonlySet<string> = new Set(['stream_ended', 'draining', 'database_unavailable'])

export type EventsCall = (input: LooseInput) => Promise<AsyncIterable<StreamEvent<RequestEntry>>>

/** Never ends but by Ctrl-C. @throws CommandFault or AdminProblem for what another try would not mend */
export async function follow(call: EventsCall, input: LooseInput, run: Run): Promise<Ending> {
  const write = writerFor(run)
  let after: string | null = null
  for (let failed = 0; ; failed++) {
    try {
      const events = await call({ ...input, query: { ...input.query, ...(after === null ? {} : { after }) } })
      if (after === null && failed === 0) run.io.say('Waiting for requests; Ctrl-C ends it.')
      for await (const { id, data } of events) {
        await write(data)
        after = id
        failed = 0
      }
      run.io.say('The server closed the connection; connecting anew.')
    } catch (fault) {
      if (!passes(fault, { run, hasBegun: after !== null || failed > 0 })) throw fault
      run.io.say(`${reasonOf(fault)} Connecting anew.`)
    }
    const waitMs = Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** Math.min(failed, 5))
    await sleep(waitMs, undefined, { signal: run.stop })
  }
}

/** What another try may mend. A server that was never reached is more likely named wrongly. */
function passes(fault: unknown, { run, hasBegun }: { run: Run; hasBegun: boolean }): boolean {
  if (run.stop.aborted) return false
  if (fault instanceof AdminProblem) return PASSING.has(fault.code)
  if (fault instanceof CommandFault) return hasBegun && fault.ending === 'failed'
  // What does not have its shape will not have it next time either.
  return !(fault instanceof ZodError || fault instanceof SyntaxError)
}

function reasonOf(fault: unknown): string {
  if (fault instanceof AdminProblem || fault instanceof CommandFault)
    return toldOf(fault).text.split('\n')[0] ?? ''
  return `The connection broke (${fault instanceof Error ? fault.message : String(fault)}).`
}

/** One event a line: for people what they look at first, for programmes JSON. */
function writerFor(run: Run): (entry: RequestEntry) => Promise<void> {
  const form = formOf(run)
  if (form === 'csv' || form === 'yaml')
    throw wrongUsage(`A stream has no end, and ${form} needs one: --output table or ndjson.`)
  if (form === 'table') return (entry) => run.io.out(`${requestLine(entry)}\n`)
  if (form === 'ids') return (entry) => run.io.out(`${entry.requestId}\n`)
  if (run.value('json') !== null) return (entry) => show(shownReply(entry, false), run)
  return (entry) => run.io.out(`${JSON.stringify(shownReply(entry, false))}\n`)
}
