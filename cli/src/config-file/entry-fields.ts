/** What the kinds have in common: how owners, names and instants go from ids to names and back. */
import { canonicalJson } from '@headgate/domain/canonical-json'
import type { Entry, Kind, KindPlan, Known, Ref, Thing } from './kind.ts'
import type * as shape from './shape.ts'

/** The identity of something that has nothing but a name, or a name within something. */
export const nameOf = (...parts: readonly unknown[]) => canonicalJson(parts)

export function kind<E>(plan: KindPlan<E>): Kind {
  const operations = {
    create: `${plan.word}.create`,
    change: `${plan.word}.change`,
    remove: `${plan.word}.remove`,
    ...plan.operations,
  }
  // The one place where an entry loses its type: the shape of the file has proved what it is.
  const typed = plan as unknown as Omit<Kind, 'identity' | 'operations'> & {
    identity(entry: Entry): readonly unknown[]
  }
  return { ...typed, operations, identity: (entry) => canonicalJson(typed.identity(entry)) }
}

export function ownerRef(owner: shape.Owner | null, ref: Ref): unknown {
  if (owner === null) return null
  return owner.app === undefined
    ? ref('teams', nameOf(owner.team))
    : ref('apps', nameOf(owner.team, owner.app))
}

/** Null: an owner that has no place in the file. */
export function ownerOf(id: unknown, known: Known): shape.Owner | null {
  const found = known(id)
  if (found === null) return null
  const { section, entry } = found
  if (section === 'teams') return { team: entry['name'] as string }
  return section === 'apps' ? { team: entry['team'] as string, app: entry['name'] as string } : null
}

/** The names of things that are listed by id. What is unknown here was made while we read: the next run has it. */
export function namesOf(ids: unknown, known: Known): string[] | null {
  if (!Array.isArray(ids)) return null
  return ids.flatMap((id) => (known(id)?.entry['name'] as string | undefined) ?? []).sort()
}

export const named = (id: unknown, known: Known) => (known(id)?.entry['name'] as string | undefined) ?? null
export const instant = (text: unknown) => (typeof text === 'string' ? new Date(text).toISOString() : null)
export const without = (thing: Thing, ...fields: string[]) =>
  Object.fromEntries(Object.entries(thing).filter(([field]) => !fields.includes(field)))

export const plainParts = {
  identity: ({ name }: { name: string }) => [name],
  title: ({ name }: { name: string }) => name,
}

export function ordered<T>(items: readonly T[] | null): T[] | null {
  return items?.toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)) ?? null
}
