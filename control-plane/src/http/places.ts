/**
 * A place is an operation where the server finds it: with its handler and with what reads the thing it writes.
 * The walk over the table happens here and nowhere else.
 */
import { contract } from '@headgate/admin-contract/index'
import {
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
  /** Reads what this writes, to compare it with `If-Match`; null for reads, and where there is nothing to read yet. */
  readonly reader: LooseHandler | null
  /** Whether the reply is what a read of the thing shows. */
  readonly showsThing: boolean
}

/** Every operation that has a handler, in the order of the table. */
export function allPlaces(): Place[] {
  return Object.entries(handlers).flatMap(([word, handlersOfWord]) => {
    const group: Operations = contract[word as keyof typeof handlers]
    // The type of `handlers` proves that each operation has its handler; the walk looks them up by name.
    const loose = handlersOfWord as unknown as Record<string, LooseHandler>
    const names = Object.keys(group)
    return names.map((name): Place => {
      const it = group[name] as Operation
      const reader = readerOf(group, it)
      const readerName = names.find((other) => group[other] === reader)
      return {
        name: `${word}.${name}`,
        it,
        handler: loose[name] as LooseHandler,
        reader: reader === undefined || readerName === undefined ? null : (loose[readerName] as LooseHandler),
        showsThing: answersWithThing(group, it),
      }
    })
  })
}
