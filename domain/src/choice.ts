/**
 * A choice is how one tier of a route is put in the order to try it: by chance and weight, by what is under way,
 * by how fast deployments answer, or so that the same caller meets the same deployment, whose provider still has
 * the beginning of its prompts in its cache.
 */
import { z } from 'zod'

export const Choice = z.enum(['weighted', 'least_busy', 'fastest', 'sticky'])
export type Choice = z.infer<typeof Choice>

/** How busy and how fast a deployment is, as this gateway sees it. */
export type Load = {
  /** Calls under way. */
  readonly inFlight: number
  /** How long its answers take to begin; 0 when that is not known. */
  readonly latencyMs: number
}

/** What a choice depends on besides the route. */
export type Chooser = {
  /** Gives numbers in [0, 1), as Math.random does. */
  readonly random: () => number
  readonly loadOf: (deploymentId: string) => Load
  /** What calls that belong together have in common. */
  readonly stickTo: () => string
}

type Target = {
  readonly deployment: { readonly id: string }
  readonly weight: number
  /** `hashOf` the deployment's id. */
  readonly seed: number
}

/** Puts one tier in the order to try it. */
export function orderTier<T extends Target>(tier: readonly T[], choice: Choice, chooser: Chooser): T[] {
  if (tier.length < 2) return [...tier]
  if (choice === 'sticky') return orderSticky(tier, chooser.stickTo())
  const order = orderByWeight(tier, chooser.random)
  if (choice === 'least_busy') return orderByLoad(order, chooser.loadOf)
  return choice === 'fastest' ? fasterOfTwo(order, chooser.loadOf) : order
}

/** Weighted choice without replacement. */
function orderByWeight<T extends Target>(tier: readonly T[], random: () => number): T[] {
  const rest = [...tier]
  const ordered: T[] = []
  while (rest.length > 0) {
    const total = rest.reduce((sum, target) => sum + target.weight, 0)
    let at = random() * total
    const index = rest.findIndex((target) => {
      at -= target.weight
      return at < 0
    })
    ordered.push(...rest.splice(Math.max(0, index), 1))
  }
  return ordered
}

/** The idlest first; where as much is under way, chance and weight have decided. */
function orderByLoad<T extends Target>(order: readonly T[], loadOf: Chooser['loadOf']): T[] {
  const loads = new Map(order.map((it) => [it, loadOf(it.deployment.id).inFlight]))
  return order.toSorted((a, b) => (loads.get(a) ?? 0) - (loads.get(b) ?? 0))
}

/** What an answer costs that nobody has timed yet while another call already waits for it. */
const UNTIMED_MS = 60_000

/**
 * Of the first two that chance names, the one that will answer sooner is tried first. Two are enough to keep away
 * from slow ones, and unlike "always the fastest" they make no crowd: Mitzenmacher, The Power of Two Choices (2001);
 * by latency and calls under way as in Finagle's and Linkerd's "peak EWMA".
 */
function fasterOfTwo<T extends Target>(order: T[], loadOf: Chooser['loadOf']): T[] {
  const [first, second, ...rest] = order
  if (first === undefined || second === undefined) return order
  const [one, other] = [waitOf(loadOf(first.deployment.id)), waitOf(loadOf(second.deployment.id))]
  return other < one ? [second, first, ...rest] : order
}

function waitOf({ inFlight, latencyMs }: Load): number {
  const each = latencyMs === 0 && inFlight > 0 ? UNTIMED_MS : latencyMs
  return each * (inFlight + 1)
}

/**
 * Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights after Schindelhauer and Schomaker 2005): each
 * target has a score of its own for each key, so that taking one away moves its own keys and no others.
 */
function orderSticky<T extends Target>(tier: readonly T[], key: string): T[] {
  const hash = hashOf(key)
  const scores = new Map(tier.map((it) => [it, -it.weight / Math.log(unitOf(mixed(hash ^ it.seed)))]))
  return tier.toSorted((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0))
}

/** FNV-1a over the UTF-16 units, mixed: 32 bits that tell names apart, and keep no secret. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mixed(hash)
}

/** The finish of MurmurHash3: every bit of the number moves every bit of the result. */
function mixed(number: number): number {
  let it = number ^ (number >>> 16)
  it = Math.imul(it, 0x85ebca6b)
  it ^= it >>> 13
  it = Math.imul(it, 0xc2b2ae35)
  return (it ^ (it >>> 16)) >>> 0
}

/** Strictly between 0 and 1. */
function unitOf(hash: number): number {
  return (hash + 0.5) / 0x1_0000_0000
}
