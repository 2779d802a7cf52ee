/** Asks for the name of what cannot be brought back, before it is gone. What was seen when asking is what is then removed. */
import { contract } from '@headgate/admin-contract/index'
import type { Operation } from '@headgate/admin-contract/operation'
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
