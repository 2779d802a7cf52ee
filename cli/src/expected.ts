/**
 * What may stand at a place of a command line: after a flag, or as an argument. The scripts of shells know from it when
 * to ask us, and we know from it what to ask the server.
 */
import type { Command, Positional } from './command.ts'
import { type Flag, takesFile } from './flags.ts'
import type { Listing } from './listings.ts'

/** `anything`: nobody can know. */
export type Expected =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'files' | 'profiles' | 'suggested' | 'anything' }
  | Things

export type Things = {
  readonly kind: 'things'
  readonly listings: readonly Listing[]
  /** What of them is typed where they have no names. */
  readonly field: string
}

const anything: Expected = { kind: 'anything' }

/** What may stand behind a flag that takes a value. */
export function expectedAfter(flag: Flag, listings: readonly Listing[]): Expected {
  if (flag.choices.length > 0) return { kind: 'choices', choices: flag.choices }
  if (takesFile(flag)) return { kind: 'files' }
  if (flag.place === 'own' && flag.name === 'profile') return { kind: 'profiles' }
  return ofIds(flag.idPrefixes, listings)
}

/** What may stand as an argument of a command. */
export function expectedAs(
  { name, idPrefixes }: Positional,
  command: Command,
  listings: readonly Listing[],
): Expected {
  if (name === 'file') return { kind: 'files' }
  if (command.kind === 'own' && command.suggest !== undefined) return { kind: 'suggested' }
  const ids = ofIds(idPrefixes, listings)
  if (ids.kind === 'things' || command.kind === 'own') return ids
  // No id: what its collection lists under that name, as the versions of the catalog.
  const collection = command.it.path.slice(0, command.it.path.indexOf(`/{${name}}`))
  const found = listings.find((it) => it.path === collection && it.fields.includes(name))
  return found === undefined ? anything : { kind: 'things', listings: [found], field: name }
}

function ofIds(idPrefixes: readonly string[], listings: readonly Listing[]): Expected {
  const found = idPrefixes.flatMap((prefix) => {
    const its = listings.filter((it) => it.idPrefix === prefix && it.operation === 'list')
    return its.find((it) => it.isNamed) ?? its[0] ?? []
  })
  return found.length === 0 ? anything : { kind: 'things', listings: found, field: 'id' }
}
