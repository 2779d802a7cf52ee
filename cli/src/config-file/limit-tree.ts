/** Limits stand in the file as the tree they are, and are compared and written one by one: both ways, without loss. */
import { canonicalJson } from '@headgate/domain/canonical-json'
import type { LimitEntry, LimitPart, Owner } from './shape.ts'

export type LimitParent = { readonly quota: string } | { readonly limit: string } | null

/** A limit by itself: where it stands is said by what it is a part of. */
export type FlatLimit = Omit<LimitPart, 'parts'> & {
  readonly parent: LimitParent
  readonly measure: LimitEntry['measure']
}

type Placed = { readonly limit: FlatLimit; readonly path: readonly PropertyKey[] }

/** What tells limits apart, as it does in the database: owner, parent, model, measure. */
export function limitIdentity({
  owner,
  parent,
  model,
  measure,
}: Pick<FlatLimit, 'owner' | 'parent' | 'model' | 'measure'>): string {
  return canonicalJson([owner, parent, model, measure])
}

/** Every limit of the tree, parents first, each with its place in the file. */
export function flatLimits(limits: readonly LimitEntry[]): Placed[] {
  return limits.flatMap(({ quota, parts, ...limit }, index) => {
    const root: FlatLimit = { ...limit, parent: quota === null ? null : { quota } }
    const path = ['limits', index]
    return [{ limit: root, path }, ...flatParts(parts, root, path)]
  })
}

/** What a part does not say itself, it has from what it is a part of. */
function flatParts(parts: readonly LimitPart[], above: FlatLimit, path: readonly PropertyKey[]): Placed[] {
  const parent = { limit: limitIdentity(above) }
  return parts.flatMap(({ parts: below, ...part }, index) => {
    const limit: FlatLimit = { ...part, model: part.model ?? above.model, parent, measure: above.measure }
    const place = [...path, 'parts', index]
    return [{ limit, path: place }, ...flatParts(below, limit, place)]
  })
}

/** The tree of some limits, siblings in a fixed order. Those whose parents are not among them are left out. */
export function limitTree(limits: readonly FlatLimit[]): LimitEntry[] {
  const children = Map.groupBy(limits, ({ parent }) =>
    parent !== null && 'limit' in parent ? parent.limit : '',
  )
  const partsOf = (above: FlatLimit): LimitPart[] =>
    ordered(children.get(limitIdentity(above)) ?? []).map((limit) => {
      const { parent: _, measure: __, ...part } = limit
      return { ...part, model: limit.model === above.model ? null : limit.model, parts: partsOf(limit) }
    })
  return ordered(children.get('') ?? []).map((limit) => {
    const { parent, ...root } = limit
    const quota = parent !== null && 'quota' in parent ? parent.quota : null
    return { ...root, quota, parts: partsOf(limit) }
  })
}

function ordered(limits: readonly FlatLimit[]): FlatLimit[] {
  return limits.toSorted((a, b) => (limitIdentity(a) < limitIdentity(b) ? -1 : 1))
}

/** Marks the limits that share a parent which is promised more than once, as the file has to say it. */
export function markOversubscribed(limits: readonly FlatLimit[]): FlatLimit[] {
  const sums = new Map<string, number>()
  for (const { parent, share, measure } of limits) {
    const name = canonicalJson([parent, measure])
    sums.set(name, (sums.get(name) ?? 0) + Math.round((share ?? 0) * 1_000_000))
  }
  return limits.map((limit) => {
    const sum = sums.get(canonicalJson([limit.parent, limit.measure])) ?? 0
    return {
      ...limit,
      allowOversubscription: limit.parent !== null && limit.share !== null && sum > 1_000_000,
    }
  })
}

/** An owner as people call it. */
export function ownerTitle({ team, app }: Owner): string {
  return app === undefined ? team : `${team}/${app}`
}
