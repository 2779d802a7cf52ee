/**
 * Asks before something is gone that cannot be brought back: for the name of the thing that is removed, or, where a
 * change would delete more than it names, whether that may be.
 */

import { contract } from '@headgate/admin-contract/index'
import type { Operation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { OperationCommand, Run } from './command.ts'
import { commandName } from './command.ts'
import { CommandFault, wrongUsage } from './exit-codes.ts'
import type { LooseInput } from './input.ts'

type Reader = (input: { params: Record<string, string> }) => Promise<object>

/**
 * Asks, unless `--yes` or a dry run makes that needless.
 * @returns the ETag of what the person saw, where there is one and it stays so by itself
 * @throws CommandFault when nobody can be asked, or the name was another
 */
export async function confirm(
  command: OperationCommand,
  input: LooseInput,
  run: Run,
): Promise<string | undefined> {
  if (!command.isDestructive || run.has('yes') || run.has('dry-run')) return undefined
  if (!run.io.canAsk)
    throw wrongUsage(
      `${commandName(command)} cannot be undone and nobody can be asked here: say --yes, or try --dry-run`,
    )
  const { thing, isLive } = await readThing(command, input, run)
  const name = nameOf(thing) ?? Object.values(input.params ?? {}).at(-1) ?? command.words[0]
  run.io.say(`${command.summary}\nThis cannot be undone.`)
  const answer = await run.io.ask(`Type the name to go on (${name}): `)
  if (answer !== name) throw new CommandFault('failed', 'That is another name: nothing was done.')
  return thing === null || isLive ? undefined : run.client().etagOf(thing)
}

/** Whether a refusal asks for nothing but leave to delete. */
export function asksToDelete(fault: unknown): fault is AdminProblem {
  return fault instanceof AdminProblem && fault.faults.some((it) => it.code === 'would_delete')
}

/**
 * Says what would be deleted and asks, unless `--yes` makes that needless.
 * @param name what is to be typed
 * @throws CommandFault when nobody can be asked, or the name was another
 */
export async function confirmDeletion(problem: AdminProblem, name: string, run: Run): Promise<void> {
  const what = problem.faults.filter((it) => it.code === 'would_delete').map((it) => it.message)
  if (run.has('yes')) return
  if (!run.io.canAsk) throw wrongUsage(`${what.join('; ')}, and nobody can be asked here: say --yes`)
  for (const one of what) run.io.say(`${one}.`)
  run.io.say('This cannot be undone.')
  const answer = await run.io.ask(`Type the name to go on (${name}): `)
  if (answer !== name) throw new CommandFault('failed', 'That is another name: nothing was done.')
}

function nameOf(thing: object | null): string | undefined {
  const { name, id } = (thing ?? {}) as { name?: unknown; id?: unknown }
  return [name, id].find((it) => typeof it === 'string')
}

type Seen = { readonly thing: object | null; readonly isLive: boolean }

/** The thing that the path names, read by the operation that shows it; null where there is none. */
async function readThing({ it }: OperationCommand, { params = {} }: LooseInput, run: Run): Promise<Seen> {
  const [parameter] = Object.keys(params)
  for (const [word, group] of Object.entries(contract)) {
    for (const [name, other] of Object.entries(group) as [string, Operation][]) {
      const reads = other.method === 'GET' && other.path.endsWith(`/{${parameter}}`)
      if (!reads || !it.path.startsWith(other.path)) continue
      // The walk over the table loses the types; the operation has this one parameter.
      const client = run.client() as unknown as Record<string, Record<string, Reader>>
      const thing = (await client[word]?.[name]?.({ params })) ?? null
      return { thing, isLive: other.isLive === true }
    }
  }
  return { thing: null, isLive: false }
}
