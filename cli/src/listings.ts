/**
 * Which operations list things, as the table has them: where names are looked up, and where whoever completes a word
 * finds what may stand there.
 */
import type { AdminClient } from '@headgate/admin-contract/client'
import { contract } from '@headgate/admin-contract/index'
import type { Operation } from '@headgate/admin-contract/operation'
import { prefixesOf, type Schema, sentSchema } from './flags.ts'

export type Listed = Readonly<Record<string, unknown>>

export type Listing = {
  /** Its group in the table of operations, and its name there. */
  readonly group: string
  readonly operation: string
  readonly path: string
  /** What the ids of its things begin with; null where they have none. */
  readonly idPrefix: string | null
  readonly fields: readonly string[]
  /** Whether its things may be named instead of their ids. */
  readonly isNamed: boolean
}

/** Every operation that lists things page by page and belongs to nothing else. */
export function allListings(): Listing[] {
  return Object.entries(contract).flatMap(([group, operations]) =>
    (Object.entries(operations) as [string, Operation][]).flatMap(
      ([operation, it]) => listingOf(group, operation, it) ?? [],
    ),
  )
}

function listingOf(group: string, operation: string, it: Operation): Listing | null {
  if (it.method !== 'GET' || it.query === undefined || it.path.includes('{')) return null
  const asked = sentSchema(it.query).properties ?? {}
  const item: Schema | undefined = sentSchema(it.reply, 'output').properties?.['data']?.items
  if (!Object.hasOwn(asked, 'cursor') || item?.properties === undefined) return null
  const { id, name } = item.properties
  const [idPrefix = null] = prefixesOf(id?.pattern)
  const isSearched = operation === 'list' && Object.hasOwn(asked, 'q')
  const isNamed = idPrefix !== null && name !== undefined && isSearched
  return { group, operation, path: it.path, idPrefix, fields: Object.keys(item.properties), isNamed }
}

export type ListedPage = {
  readonly data: readonly Listed[]
  readonly page: { readonly nextCursor: string | null }
}

/** One page of a listing. */
export async function readListing(
  { group, operation }: Pick<Listing, 'group' | 'operation'>,
  query: Readonly<Record<string, unknown>>,
  client: AdminClient,
): Promise<ListedPage> {
  type List = (input: { query: object }) => Promise<ListedPage>
  // The walk over the table loses the types of the client.
  const list = (client as unknown as Record<string, Record<string, List>>)[group]?.[operation] as List
  return list({ query })
}
