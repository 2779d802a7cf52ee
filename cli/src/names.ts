/**
 * People know things by their names, the admin API by their ids. What is no id is looked up as the exact name of a
 * thing of that kind; two of the same name are told apart by their ids.
 */
import type { AdminClient } from '@headgate/admin-contract/client'
import { contract } from '@headgate/admin-contract/index'
import type { Operation } from '@headgate/admin-contract/operation'
import { CommandFault, wrongUsage } from './exit-codes.ts'
import { prefixesOf, sentSchema } from './flags.ts'

const PAGES_MAX = 10
const ID = /^[a-z]{3,5}_[0-9A-HJKMNP-TV-Z]{26}$/

type Named = { readonly id: string; readonly name?: string }
type Listing = (input: { query: object }) => Promise<{
  data: Named[]
  page: { nextCursor: string | null }
}>

/** The groups whose things have names to be looked up by, by what their ids begin with. */
function groupsByPrefix(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [word, group] of Object.entries(contract)) {
    const { list, read } = group as Record<string, Operation | undefined>
    if (list?.query === undefined || read === undefined) continue
    const { id, name } = sentSchema(read.reply, 'output').properties ?? {}
    const [prefix] = prefixesOf(id?.pattern)
    const isSearched = Object.hasOwn(sentSchema(list.query).properties ?? {}, 'q')
    if (prefix !== undefined && name !== undefined && isSearched) found.set(prefix, word)
  }
  return found
}

/** `app:checkout` names a kind too, where there may be several. */
function kindOf(word: string): string {
  return word.replace(/s$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
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
  const groups = groupsByPrefix()
  const searched = prefixes.filter((prefix) => groups.has(prefix))
  if (ID.test(text) || searched.length === 0) return text
  const words = searched.map((prefix) => groups.get(prefix) as string)
  const kinds = new Map(words.map((word) => [kindOf(word), word]))
  const [kind = '', rest] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)]
  const asked = kinds.get(kind)
  const name = asked === undefined ? text : rest
  const lists = asked === undefined ? words : [asked]
  const found = (await Promise.all(lists.map((word) => allNamed(word, name, client())))).flat()
  const [first, second] = found
  if (first === undefined) {
    const what = [...kinds.keys()].join(' or ')
    throw new CommandFault('failed', `${flag}: there is no ${what} named "${name}", or none you may see.`)
  }
  if (second === undefined) return first.id
  const ids = found.map((it) => it.id).join(', ')
  throw wrongUsage(`${flag}: ${found.length} things are named "${name}": say which by its id: ${ids}`)
}

async function allNamed(word: string, name: string, client: AdminClient): Promise<Named[]> {
  // The walk over the table cannot know the types of what it lists; `groupsByPrefix` chose those that fit.
  const list = (client as unknown as Record<string, { list: Listing }>)[word]?.list
  if (list === undefined || name === '') return []
  const found: Named[] = []
  let cursor: string | null = null
  for (let page = 0; page < PAGES_MAX; page++) {
    const reply = await list({
      query: { q: name.slice(0, 100), limit: 200, ...(cursor === null ? {} : { cursor }) },
    })
    found.push(...reply.data.filter((it) => it.name === name))
    cursor = reply.page.nextCursor
    if (cursor === null) break
  }
  return found
}
