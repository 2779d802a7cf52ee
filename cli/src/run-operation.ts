/** Runs a command that is an operation of the admin API: input, confirmation, call, output. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Download } from '@headgate/admin-contract/download'
import type { OperationCommand, Run } from './command.ts'
import { commandName } from './command.ts'
import { asksToDelete, confirm, confirmDeletion } from './confirm.ts'
import { CommandFault, type Ending, wrongUsage } from './exit-codes.ts'
import { type EventsCall, follow } from './follow.ts'
import { inputOf, type LooseInput } from './input.ts'
import { checkSecretPlace, secretFile } from './secret-file.ts'
import { formOf, rowsOf, show, shownReply } from './show.ts'

type Call = (input: LooseInput) => Promise<unknown>

/** @throws CommandFault, or AdminProblem when the server says no */
export async function runOperationCommand(command: OperationCommand, run: Run): Promise<Ending> {
  const [word = '', name = ''] = command.operation.split('.')
  if (command.showsSecret) checkSecretPlace(run, command.examples[0] ?? '')
  const input = await inputOf(command, run)
  const seen = await confirm(command, input, run)
  if (seen !== undefined) input.ifMatch ??= seen
  // The walk over the table loses the types of the client; `inputOf` made what the shapes ask for.
  const call = (run.client() as unknown as Record<string, Record<string, Call>>)[word]?.[name] as Call
  if (command.it.events === true) return follow(call as EventsCall, input, run)
  if (command.it.download === true) return download((await call(input)) as Download, run)
  if (run.value('watch') !== null) return watch(() => call(input), run)
  if (run.has('all')) return showAll(call, input, run)
  if (command.showsSecret && !run.has('dry-run')) return showSecret(command, () => call(input), run)
  const reply = await callAndAsk(call, input, run)
  await show(shownReply(reply, run.has('show-secret')), run)
  tellOfMore(reply, run)
  tellOfKept(reply, run)
  return endingFor(command, reply)
}

/** Calls; where the server says what would be deleted, calls again with leave to do it, if it is given. */
async function callAndAsk(call: Call, input: LooseInput, run: Run): Promise<unknown> {
  try {
    return await call(input)
  } catch (fault) {
    if (!asksToDelete(fault) || run.has('dry-run')) throw fault
    await confirmDeletion(fault, Object.values(input.params ?? {}).at(-1) ?? '', run)
    return call({ ...input, body: { ...(input.body as object), allowDeletion: true } })
  }
}

/** A check that did not pass and a batch that half failed are answers, but not success. */
function endingFor({ operation }: OperationCommand, reply: unknown): Ending {
  const it = reply as { passes?: boolean; isWhole?: boolean; failed?: number; succeeded?: number }
  if (operation === 'publications.check') return it.passes === false ? 'differs' : 'done'
  if (operation === 'auditEvents.verify') return it.isWhole === false ? 'differs' : 'done'
  if (operation === 'secretFindings.list') return (rowsOf(reply) ?? []).length > 0 ? 'differs' : 'done'
  if (operation === 'catalog.compare') return (rowsOf(reply) ?? []).length > 0 ? 'differs' : 'done'
  if (operation !== 'batch.run' || (it.failed ?? 0) === 0) return 'done'
  return it.succeeded === 0 ? 'failed' : 'partly'
}

function tellOfMore(reply: unknown, run: Run): void {
  const page = (reply as { page?: { nextCursor?: string | null } } | null)?.page
  if (page?.nextCursor) run.io.say(`There are more: --all, or --cursor ${page.nextCursor}`)
}

/** Prices of one's own that a list did not replace are no part of what was asked for, so they are said. */
function tellOfKept(reply: unknown, run: Run): void {
  const kept = (reply as { kept?: { model: string }[] } | null)?.kept ?? []
  if (!Array.isArray(kept) || kept.length === 0) return
  const models = [...new Set(kept.map((it) => it.model))].join(', ')
  run.io.say(`Prices of your own with an end were kept, and the listed ones left out: ${models}.`)
}

async function showSecret(
  command: OperationCommand,
  call: () => Promise<unknown>,
  run: Run,
): Promise<Ending> {
  const path = run.value('out')
  const file = path === null ? null : await secretFile(path)
  try {
    const reply = await call()
    await file?.keep((reply as { secret: string }).secret)
    await show(shownReply(reply, run.has('show-secret')), run)
  } catch (fault) {
    await file?.drop()
    throw fault
  }
  if (path !== null) run.io.say(`The secret is in ${path}; ${commandName(command)} cannot show it again.`)
  return 'done'
}

/** Page after page. As they come where each line is a thing of its own, else all together at the end. */
async function showAll(call: Call, input: LooseInput, run: Run): Promise<Ending> {
  const form = formOf(run)
  const isByLine = form === 'ndjson' || form === 'ids'
  const all: unknown[] = []
  let cursor: string | null | undefined
  do {
    const query = { limit: '200', ...input.query, ...(cursor ? { cursor } : {}) }
    const reply = await call({ ...input, query })
    const rows = rowsOf(shownReply(reply, false)) ?? []
    if (isByLine) await show(rows, run)
    else all.push(...rows)
    cursor = (reply as { page?: { nextCursor: string | null } }).page?.nextCursor
  } while (cursor)
  if (!isByLine) await show(all, run)
  return 'done'
}

async function watch(call: () => Promise<unknown>, run: Run): Promise<Ending> {
  const seconds = Number(run.value('watch'))
  if (!Number.isFinite(seconds) || seconds < 1 || seconds > 3600)
    throw wrongUsage('--watch takes seconds between looks, 1 to 3600')
  for (;;) {
    const reply = await call()
    // Erases the screen, as a person who watches expects; a file gets one look after the other.
    if (run.io.isTerminal) await run.io.out('\u001b[2J\u001b[H')
    await show(shownReply(reply, false), run)
    await sleep(seconds * 1000, undefined, { signal: run.stop })
  }
}

/** Piece by piece, so that a file of any size needs no memory. */
async function download({ body, fileName }: Download, run: Run): Promise<Ending> {
  const path = run.value('out')
  if (path === null) {
    for await (const piece of body) await run.io.out(piece)
    return 'done'
  }
  const file = createWriteStream(path, { mode: 0o600 })
  try {
    for await (const piece of body) if (!file.write(piece)) await once(file, 'drain')
    file.end()
    await once(file, 'finish')
  } catch (fault) {
    file.destroy()
    throw new CommandFault(
      'failed',
      `${path} is not whole: ${fault instanceof Error ? fault.message : fault}`,
      {
        cause: fault,
      },
    )
  }
  run.io.say(`${fileName} is in ${path}.`)
  return 'done'
}
