/**
 * A claim is what a call asks of one limit. Which claims a call makes follows from the tree: every limit of its
 * key, user, app and team that counts it, the quota its deployment draws on, and the pools that keep what is
 * guaranteed. The tree is opened with the catalog; what a call needs is found and not put together.
 */
import type { DeniedScope } from './gateway-error.ts'
import { figureOf, type LimitRule, type Measure, millionths, ownerKindOf, shareOf } from './limit.ts'
import type { KeyRecord } from './proxy-key.ts'
import type { Claim, ClaimUnit, Pool } from './reservation.ts'
import type { Quota, Resource } from './resource.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export type LimitTreeDocument = {
  readonly limits: readonly LimitRule[]
  readonly quotas: readonly Quota[]
  readonly resources: readonly Pick<Resource, 'id' | 'name'>[]
  readonly teams: readonly { readonly id: string; readonly name: string }[]
  readonly apps: readonly { readonly id: string; readonly name: string }[]
}

/** One quota or limit of a tree, for whoever looks at all of them. */
export type LimitNode = {
  /** The limit's id, or the quota's id with its measure behind a colon. */
  readonly id: string
  readonly parentId: string | null
  readonly measure: Measure
  /** Null for a quota. */
  readonly rule: LimitRule | null
  readonly claim: Claim
}

/** A limit on a key or on an owner of it, whichever call it may count. */
export type OwnLimit = {
  readonly measure: Measure
  /** Null for a figure on the key itself. */
  readonly rule: LimitRule | null
  readonly claim: Claim
}

export type LimitTree = {
  /** What a call of this key, for this alias, at a deployment that draws on this quota, asks for. */
  claims(key: KeyRecord, alias: string, quotaId: string | null): readonly Claim[]
  /** All limits on the key and its owners, narrowest first; those of quotas, which others share, are not among them. */
  of(key: KeyRecord): readonly OwnLimit[]
}

/** How each measure is counted. */
const counted: Readonly<Record<Measure, Pick<Pool, 'kind' | 'windowMs'> & { readonly unit: ClaimUnit }>> = {
  requests_per_minute: { kind: 'bucket', windowMs: MINUTE_MS, unit: 'requests' },
  tokens_per_minute: { kind: 'bucket', windowMs: MINUTE_MS, unit: 'tokens' },
  concurrent_calls: { kind: 'concurrent', windowMs: 0, unit: 'calls' },
  tokens_per_day: { kind: 'window', windowMs: DAY_MS, unit: 'tokens' },
}
const quotaMeasures = ['requests_per_minute', 'tokens_per_minute'] as const

/** A limit or a quota of one measure, with everything a claim needs. */
type Node = {
  readonly id: string
  readonly measure: Measure
  readonly parent: Node | null
  readonly rule: LimitRule | null
  readonly claim: Claim
  /** What its children are guaranteed, together. */
  guaranteed: number
}

/** Opens the tree. Limits whose parent is missing deny: `limitFaults` keeps them out of a catalog. */
export function openLimitTree(document: LimitTreeDocument): LimitTree {
  const { nodes, rules, names } = openNodes(document)
  const byOwner = Map.groupBy(nodes.values(), (node) => node.rule?.ownerId ?? null)
  const known = new WeakMap<KeyRecord, Map<string, readonly Claim[]>>()
  return {
    claims: (key, alias, quotaId) => {
      const ofKey = known.get(key) ?? new Map<string, readonly Claim[]>()
      if (ofKey.size === 0) known.set(key, ofKey)
      const place = quotaId === null ? alias : `${alias} ${quotaId}`
      let claims = ofKey.get(place)
      if (claims === undefined) {
        claims = claimsOf(applicable(key, alias, quotaId, { nodes, rules, names, byOwner }), key)
        ofKey.set(place, claims)
      }
      return claims
    },
    of: (key) => limitsOf(key, { nodes, rules, names, byOwner }),
  }
}

/** All quotas and limits of a tree, parents before their children. */
export function limitNodes(document: LimitTreeDocument): LimitNode[] {
  return [...openNodes(document).nodes.values()].map((node) => ({
    id: node.id,
    parentId: node.parent?.id ?? null,
    measure: node.measure,
    rule: node.rule,
    claim: node.claim,
  }))
}

function openNodes(document: LimitTreeDocument): Opening {
  const names = new Map([...document.teams, ...document.apps].map((it) => [it.id, it.name]))
  const nodes = new Map<string, Node>()
  for (const quota of document.quotas) addQuota(nodes, quota, document.resources)
  const rules = new Map(document.limits.map((it) => [it.id, it]))
  for (const rule of document.limits) nodeOf(rule, { nodes, rules, names })
  return { nodes, rules, names }
}

type Opening = {
  readonly nodes: Map<string, Node>
  readonly rules: ReadonlyMap<string, LimitRule>
  readonly names: ReadonlyMap<string, string>
}

function addQuota(nodes: Map<string, Node>, quota: Quota, resources: LimitTreeDocument['resources']): void {
  const resource = resources.find((it) => it.id === quota.resourceId)?.name ?? 'unknown'
  const scope: DeniedScope = { kind: 'resource', name: `${resource}/${quota.name}` }
  const figures = { requests_per_minute: quota.requestsPerMinute, tokens_per_minute: quota.tokensPerMinute }
  for (const measure of quotaMeasures) {
    const limit = figures[measure]
    if (limit === null) continue
    const { unit } = counted[measure]
    const id = quotaNodeId(quota.id, measure)
    const claim: Claim = {
      ...{ bucket: `{${quota.id}}:${unit}`, kind: 'window', limit, windowMs: MINUTE_MS },
      ...{ scope, unit, quotaId: quota.id, instead: null },
    }
    nodes.set(id, { id, measure, parent: null, rule: null, claim, guaranteed: 0 })
  }
}

function quotaNodeId(quotaId: string, measure: Measure): string {
  return `${quotaId}:${measure}`
}

/** The node of a rule; its parents are made first. A tree that bites its own tail ends in a limit of zero. */
function nodeOf(rule: LimitRule, opening: Opening, above: readonly string[] = []): Node {
  const there = opening.nodes.get(rule.id)
  if (there !== undefined) return there
  const parent = above.includes(rule.id) ? null : parentOf(rule, opening, [...above, rule.id])
  const node = newNode(rule, parent, scopeOf(rule.ownerId, opening.names))
  opening.nodes.set(rule.id, node)
  if (parent !== null && rule.guarantee !== null)
    parent.guaranteed += shareOf(rule.guarantee, parent.claim.limit)
  return node
}

function newNode(rule: LimitRule, parent: Node | null, scope: DeniedScope): Node {
  const { id, measure } = rule
  const limit = figureOf(rule, parent?.claim.limit ?? null)
  const { kind, windowMs, unit } = counted[measure]
  const claim: Claim = {
    ...{ bucket: `{${rule.teamId}}:${id}`, kind, limit, windowMs, scope, unit, quotaId: rule.quotaId },
    instead: rule.borrows && parent !== null && limit > 0 ? 'nothing' : null,
    ...(rule.onOutage !== 'local' && { onOutage: rule.onOutage }),
  }
  return { id, measure, parent, rule, claim, guaranteed: 0 }
}

function parentOf(rule: LimitRule, opening: Opening, above: readonly string[]): Node | null {
  if (rule.parentId === null) return null
  if (rule.parentId.startsWith('quo_'))
    return opening.nodes.get(quotaNodeId(rule.parentId, rule.measure)) ?? null
  const parent = opening.rules.get(rule.parentId)
  return parent === undefined ? null : nodeOf(parent, opening, above)
}

function scopeOf(ownerId: string, names: ReadonlyMap<string, string>): DeniedScope {
  return { kind: ownerKindOf(ownerId), name: names.get(ownerId) ?? ownerId }
}

type Tree = Opening & { readonly byOwner: ReadonlyMap<string | null, readonly Node[]> }

/** The nodes of a key and its owners, narrowest first, without those that hang below somebody else's. */
function ownedNodes(key: KeyRecord, tree: Tree): Node[] {
  const own = key.limits.map((rule) => nodeOfKey(rule, key, tree))
  const owners = [key.userId, key.appId, key.teamId].filter((it) => it !== null)
  const mine = new Set<string>([key.id, ...owners])
  const isOwned = ({ rule, parent }: Node): boolean =>
    rule === null || (mine.has(rule.ownerId) && (parent === null || isOwned(parent)))
  return [...own, ...owners.flatMap((id) => tree.byOwner.get(id) ?? [])].filter(isOwned)
}

function limitsOf(key: KeyRecord, tree: Tree): OwnLimit[] {
  return [
    ...ownFigures(key),
    ...ownedNodes(key, tree).map(({ measure, rule, claim }) => ({ measure, rule, claim })),
  ]
}

/** The nodes that count a call, narrowest owner first; a limit counts where all of those above it do. */
function applicable(key: KeyRecord, alias: string, quotaId: string | null, tree: Tree): Node[] {
  const counts = ({ rule, parent }: Node): boolean => {
    if (rule === null) return true
    if (rule.model !== null && rule.model !== alias) return false
    if (rule.quotaId !== null && rule.quotaId !== quotaId) return false
    return parent === null || counts(parent)
  }
  const nodes = ownedNodes(key, tree).filter(counts)
  for (const measure of quotaMeasures) {
    const node = quotaId === null ? undefined : tree.nodes.get(quotaNodeId(quotaId, measure))
    if (node !== undefined) nodes.push(node)
  }
  return nodes
}

/**
 * The node of a limit that a key brings along. Nothing in the tree changes by it: a guarantee counts from the
 * catalog on that holds it, and no sooner.
 */
function nodeOfKey(rule: LimitRule, key: KeyRecord, tree: Opening): Node {
  return newNode(rule, parentOf(rule, tree, [rule.id]), { kind: 'key', name: key.name })
}

/** The claims of these nodes: each one's own, then the pools of parents that keep guarantees. */
function claimsOf(nodes: readonly Node[], key: KeyRecord): readonly Claim[] {
  const claims = [...ownFigures(key).map((it) => it.claim), ...nodes.map((node) => node.claim)]
  const parents = new Set(nodes.filter((node) => node.guaranteed > 0))
  for (const node of nodes) if (node.parent !== null && node.parent.guaranteed > 0) parents.add(node.parent)
  for (const parent of parents) claims.push(poolClaim(parent, nodes))
  return Object.freeze(claims)
}

/**
 * A parent with guarantees is two kinds of pool: one for each guarantee, and one of what is left, for all.
 * Who is guaranteed something takes from its own pool first; so the others see the parent minus what is
 * guaranteed and unused.
 */
function poolClaim(parent: Node, nodes: readonly Node[]): Claim {
  const { claim } = parent
  const common: Pool = {
    bucket: `${claim.bucket}:common`,
    kind: claim.kind,
    limit: Math.max(0, claim.limit - parent.guaranteed),
    windowMs: claim.windowMs,
  }
  const { scope, unit, quotaId, onOutage } = claim
  const told = { scope, unit, quotaId, ...(onOutage !== undefined && { onOutage }) }
  const child = nodes.find((it) => it.parent?.id === parent.id && it.rule?.guarantee != null)
  const guarantee = child?.rule?.guarantee
  if (child === undefined || guarantee == null) return { ...common, ...told, instead: null }
  const bucket = `${claim.bucket}:${child.id}`
  return { ...common, ...told, bucket, limit: shareOf(guarantee, claim.limit), instead: common }
}

/** The figures that stand on the key itself. */
function ownFigures(key: KeyRecord): OwnLimit[] {
  const found: OwnLimit[] = []
  const scope = { kind: 'key', name: key.name } as const
  const figures = { requests_per_minute: key.requestsPerMinute, tokens_per_minute: key.tokensPerMinute }
  for (const measure of quotaMeasures) {
    const limit = figures[measure]
    if (limit === null) continue
    const bucket = `{${key.teamId}}:${key.id}:${counted[measure].unit}`
    const claim = { bucket, limit, ...counted[measure], scope, quotaId: null, instead: null }
    found.push({ measure, rule: null, claim })
  }
  return found
}

/** Why a document's limits may not be published: parents that are missing or of another kind, and guarantees beyond the whole. */
export function limitFaults(document: LimitTreeDocument): { kind: string; id: string; message: string }[] {
  const faults: { kind: string; id: string; message: string }[] = []
  const rules = new Map(document.limits.map((it) => [it.id, it]))
  const quotas = new Map(document.quotas.map((it) => [it.id, it]))
  const guaranteed = new Map<string, number>()
  for (const it of document.limits) {
    const say = (message: string) => faults.push({ kind: 'limit', id: it.id, message })
    if (it.parentId === null) continue
    const quota = quotas.get(it.parentId)
    const parent = rules.get(it.parentId)
    if (quota === undefined && parent === undefined) say('the limit is a part of something that is not there')
    else if (quota !== undefined && figureOfQuota(quota, it.measure) === null)
      say(`the limit is a part of quota "${quota.name}", which has no ${it.measure}`)
    else if (parent !== undefined && parent.measure !== it.measure)
      say(`the limit counts ${it.measure} and is a part of one that counts ${parent.measure}`)
    if (it.guarantee === null) continue
    const place = `${it.parentId} ${it.measure}`
    const sum = (guaranteed.get(place) ?? 0) + millionths(it.guarantee)
    guaranteed.set(place, sum)
    if (sum > 1_000_000) say(`guarantees on ${it.parentId} come to ${sum / 10_000} %, more than the whole`)
  }
  return faults
}

function figureOfQuota(quota: Quota, measure: Measure): number | null {
  if (measure === 'requests_per_minute') return quota.requestsPerMinute
  return measure === 'tokens_per_minute' ? quota.tokensPerMinute : null
}
