/**
 * People know things by their names, the admin API by their ids. What is no id is looked up as the exact name of a
 * thing of that kind; two of the same name are told apart by their ids.
 */
import type { AdminClient } from '@headgate/admin-contract/client'
import { CommandFault, wrongUsage } from './exit-codes.ts'
import { allListings, type Listed, type Listing, readListing } from './listings.ts'

const PAGES_MAX = 10
const ID = /^[a-z]{3,5}_[0-9A-HJKMNP-TV-Z]{26}$/

type Named = Listed & { readonly id: string }

/** `app:checkout` names a kind too, where there may be several. */
export function kindOf({ group }: Listing): string {
  return group.replace(/s$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/**
 * The id that was meant.
 * @param prefixes what ids may begin with here; of one kind or several
 * @param flag how the fault calls where it stood
 * @throws CommandFault when nothing, or more than one thing, has this name
 */
export async function idNamed(
  text: string,
  { prefixes, flag }: { prefixes: readonly string[]; flag: string },
  client: () => AdminClient,
): Promise<string> {
  if (ID.test(text)) return text
  const all = allListings()
  const listings = prefixes.flatMap((prefix) => all.find((it) => it.isNamed && it.idPrefix === prefix) ?? [])
  if (listings.length === 0) return text
  const kinds = new Map(listings.map((it) => [kindOf(it), it]))
  const [kind = '', rest] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)]
  const asked = kinds.get(kind)
  const name = asked === undefined ? text : rest
  const lists = asked === undefined ? listings : [asked]
  const found = (await Promise.all(lists.map((listing) => allNamed(listing, name, client())))).flat()
  const [first, second] = found
  if (first === undefined) {
    const what = [...kinds.keys()].join(' or ')
    throw new CommandFault('failed', `${flag}: there is no ${what} named "${name}", or none you may see.`)
  }
  if (second === undefined) return first.id
  const ids = found.map((it) => it.id).join(', ')
  throw wrongUsage(`${flag}: ${found.length} things are named "${name}": say which by its id: ${ids}`)
}

async function allNamed(listing: Listing, name: string, client: AdminClient): Promise<Named[]> {
  if (name === '') return []
  const found: Named[] = []
  let cursor: string | null = null
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { q: name.slice(0, 100), limit: 200, ...(cursor === null ? {} : { cursor }) }
    const reply = await readListing(listing, query, client)
    found.push(...reply.data.filter((it): it is Named => it['name'] === name && typeof it['id'] === 'string'))
    cursor = reply.page.nextCursor
    if (cursor === null) break
  }
  return found
}
