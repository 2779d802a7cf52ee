/** Things of the server as somebody may type them: by their names, or by ids where there are none, or two have one. */
import type { AdminClient } from '@headgate/admin-contract/client'
import type { Things } from './expected.ts'
import { type Listed, type Listing, readListing } from './listings.ts'
import { kindOf } from './names.ts'

/** The latest so many are offered, and of named things so many that have in their names what was begun. */
const LISTED_MAX = 200
/** What tells ids apart, of what a thing has of it. */
const TOLD = [
  'name',
  'ownerId',
  'measure',
  'amount',
  'model',
  'status',
  'state',
  'message',
  'startedAt',
  'createdAt',
]
const TOLD_MAX = 3

/** What may stand there, and what tells it from others. */
export type Offer = { readonly value: string; readonly told: string }

/** @param begun what was typed of it so far; not all that is offered begins with it */
export async function thingsOffered(
  { listings, field }: Things,
  begun: string,
  client: AdminClient,
): Promise<Offer[]> {
  const kind = listings.length === 1 ? undefined : listings.find((it) => begun.startsWith(`${kindOf(it)}:`))
  const asked = kind === undefined ? listings : [kind]
  const name = kind === undefined ? begun : begun.slice(kindOf(kind).length + 1)
  const found = await Promise.all(
    asked.map(async (listing) => {
      const isId = listing.idPrefix !== null && name.startsWith(`${listing.idPrefix}_`)
      const isByName = listing.isNamed && !isId
      const q = isByName && name !== '' ? { q: name.slice(0, 100) } : {}
      const { data } = await readListing(listing, { limit: LISTED_MAX, ...q }, client)
      if (!isByName) return data.map((it) => offerBy(isId ? 'id' : field, it))
      return namesIn(data, listings.length === 1 ? null : listing)
    }),
  )
  // A name that things of two kinds have says too little without its kind.
  return [...Map.groupBy(found.flat(), (it) => it.value).values()].flatMap((its) =>
    its.length > 1 ? [] : its,
  )
}

/** @param listing where there may be several: names are offered with and without its kind in front */
function namesIn(data: readonly Listed[], listing: Listing | null): Offer[] {
  const named = Map.groupBy(data, (it) => String(it['name']))
  return [...named].flatMap(([name, its]) => {
    if (its.length > 1) return its.map((it) => offerBy('id', it))
    if (listing === null) return [{ value: name, told: '' }]
    return [`${kindOf(listing)}:${name}`, name].map((value) => ({ value, told: kindOf(listing) }))
  })
}

function offerBy(field: string, it: Listed): Offer {
  const told = TOLD.flatMap((name) => {
    const value = it[name]
    const isPlain = (typeof value === 'string' && value !== '') || typeof value === 'number'
    return isPlain && name !== field ? [String(value)] : []
  })
  return { value: String(it[field]), told: told.slice(0, TOLD_MAX).join(', ') }
}
