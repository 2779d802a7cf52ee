/** What an instance is made of now, by names, as the file would say it. Read kind by kind, so that owners are known before what they own. */
import type { AdminClient } from '@headgate/admin-contract/client'
import { CommandFault } from '../exit-codes.ts'
import type { Entry, Kind, Known, Thing } from './kind.ts'
import { kinds } from './kinds.ts'
import { type FlatLimit, markOversubscribed } from './limit-tree.ts'
import type { Section } from './shape.ts'

export type LiveThing = {
  readonly kind: Kind
  readonly identity: string
  readonly entry: Entry
  readonly id: string
  readonly thing: Thing
}

export type Live = {
  /** When it was read. */
  readonly asOfMs: number
  readonly things: readonly LiveThing[]
  /** How many things have no place in the file, by what they are called. */
  readonly leftOut: ReadonlyMap<string, number>
}

type Listing = (input: { query: object }) => Promise<{ data: Thing[]; page: { nextCursor: string | null } }>

/** @throws CommandFault when it may not all be read: half an answer would look like a whole one */
export async function readLive(client: AdminClient, stop: AbortSignal): Promise<Live> {
  const byId = new Map<string, { section: Section; entry: Entry }>()
  const known: Known = (id) => (typeof id === 'string' ? (byId.get(id) ?? null) : null)
  const leftOut = new Map<string, number>()
  const found: LiveThing[] = []
  const asOfMs = Date.now()
  for (const kind of kinds) {
    for (const thing of await allOf(kind, client, stop)) {
      const entry = kind.entryOf(thing, known)
      if (entry === null) {
        if (!isOver(thing)) leftOut.set(kind.called, (leftOut.get(kind.called) ?? 0) + 1)
        continue
      }
      const id = thing.id ?? String(thing['name'])
      byId.set(id, { section: kind.section, entry })
      found.push({ kind, identity: kind.identity(entry), entry, id, thing })
    }
  }
  return { asOfMs, things: withMarks(found), leftOut }
}

/** Budgets that were ended are kept for their history. */
function isOver(thing: Thing): boolean {
  return typeof thing['archivedAt'] === 'string'
}

/** Oldest first, and parts after what they are parts of. */
async function allOf(kind: Kind, client: AdminClient, stop: AbortSignal): Promise<Thing[]> {
  // The walk over the kinds loses the types of the client; each names a group that has a list.
  const list = (client as unknown as Record<string, { list: Listing }>)[kind.word]?.list
  if (list === undefined) throw new Error(`${kind.word} cannot be listed`)
  const things: Thing[] = []
  let cursor: string | null = null
  do {
    if (stop.aborted) throw new CommandFault('interrupted', 'Interrupted.')
    const reply = await list({ query: { limit: 200, ...(cursor === null ? {} : { cursor }) } })
    things.push(...reply.data)
    cursor = reply.page.nextCursor
  } while (cursor !== null)
  return parentsFirst(things.toSorted((a, b) => ((a.id ?? '') < (b.id ?? '') ? -1 : 1)))
}

/** The order of ids alone does not do it: of those made in one millisecond, the part may have the lower one. */
export function parentsFirst(things: readonly Thing[]): Thing[] {
  // What has no id of its own, such as a setting, is no part of anything.
  const ids = new Set<unknown>(things.flatMap((it) => it.id ?? []))
  const partsOf = Map.groupBy(things, ({ parentId }) => (ids.has(parentId) ? parentId : null))
  const withParts = (it: Thing): Thing[] => [
    it,
    ...(it.id === undefined ? [] : (partsOf.get(it.id) ?? [])).flatMap(withParts),
  ]
  return (partsOf.get(null) ?? []).flatMap(withParts)
}

function withMarks(things: readonly LiveThing[]): LiveThing[] {
  const limits = things.filter((it) => it.kind.section === 'limits')
  const marked = markOversubscribed(limits.map((it) => it.entry as unknown as FlatLimit))
  const byIdentity = new Map(limits.map((it, index) => [it.identity, marked[index]]))
  return things.map((it) => ({
    ...it,
    entry: (byIdentity.get(it.identity) as Entry | undefined) ?? it.entry,
  }))
}
