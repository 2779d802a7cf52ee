/**
 * A place is an operation where the server finds it: with its handler and with what reads the thing it writes.
 * The walk over the table happens here and nowhere else.
 */
import { contract } from '@headgate/admin-contract/index'
import {
  actedOnPath,
  answersWithThing,
  type Operation,
  type Operations,
  readerOf,
} from '@headgate/admin-contract/operation'
import type { HandlerContext } from '../resources/context.ts'
import { handlers } from '../resources/table.ts'

export type LooseCall = { params: unknown; query: unknown; body: unknown }

/** A handler without its types, as the walk over the table meets it. */
export type LooseHandler = (call: LooseCall, context: HandlerContext) => Promise<unknown>

export type Place = {
  /** As the OpenAPI document and batches call it: `keys.revoke`. */
  readonly name: string
  readonly it: Operation
  readonly handler: LooseHandler
  /**
   * Reads what this writes, or what an action is done to, to compare it with `If-Match`; null for reads, and where there
   * is nothing to read.
   */
  readonly reader: LooseHandler | null
  /** Whether `If-Match` has to be said. */
  readonly isGuarded: boolean
  /** Whether the reply is what a read of the thing shows. */
  readonly showsThing: boolean
}

/** Every operation that has a handler, in the order of the table. */
export function allPlaces(): Place[] {
  const readers = readersByPath()
  return Object.entries(handlers).flatMap(([word, handlersOfWord]) => {
    const group: Operations = contract[word as keyof typeof handlers]
    // The type of `handlers` proves that each operation has its handler; the walk looks them up by name.
    const loose = handlersOfWord as unknown as Record<string, LooseHandler>
    const names = Object.keys(group)
    return names.map((name): Place => {
      const it = group[name] as Operation
      const read = readerOf(group, it)?.path ?? actedOnPath(it)
      return {
        name: `${word}.${name}`,
        it,
        handler: loose[name] as LooseHandler,
        reader: (read === null ? undefined : readers.get(read)) ?? null,
        isGuarded: readerOf(group, it) !== undefined,
        showsThing: answersWithThing(group, it),
      }
    })
  })
}

/** What shows a thing as JSON, by its path: in any group, since actions may be in another one than their thing. */
function readersByPath(): ReadonlyMap<string, LooseHandler> {
  const found = new Map<string, LooseHandler>()
  for (const [word, handlersOfWord] of Object.entries(handlers)) {
    const group: Operations = contract[word as keyof typeof handlers]
    const loose = handlersOfWord as unknown as Record<string, LooseHandler>
    for (const [name, it] of Object.entries(group))
      if (it.method === 'GET' && it.download !== true && it.path.includes('{'))
        found.set(it.path, loose[name] as LooseHandler)
  }
  return found
}
