/**
 * In a cluster one script call may touch one slot only, and a call may hold claims of two: its team's and a
 * quota's, which many teams share. The quota's are taken first, then the team's; a team that refuses gives the
 * quota's back. Should the gateway die in between, the lease ends what was taken.
 */
import type { Ask, Claim, PoolState, Used, Verdict } from '@headgate/domain/reservation'
import { unsent } from '@headgate/domain/reservation'
import { tagOf } from './ledger-batch.ts'

type Means = {
  readonly clustered: boolean
  readonly reserve: (ask: Ask) => Promise<Verdict>
  readonly settle: (ask: Ask, used: Used) => void
}

type Part = { readonly ask: Ask; readonly indexes: readonly number[] }

export type SlotSplit = {
  reserve(ask: Ask): Promise<Verdict>
  settle(ask: Ask, used: Used): void
  /** Does something with every part an ask was taken in. */
  each(ask: Ask, work: (part: Ask) => void): void
}

/** Takes asks apart where they must be; elsewhere they pass as they are. */
export function splitBySlot({ clustered, reserve, settle }: Means): SlotSplit {
  const partsOf = new WeakMap<Ask, readonly Part[]>()
  const each = (ask: Ask, work: (part: Ask) => void) => {
    const parts = partsOf.get(ask)
    if (parts === undefined) work(ask)
    else for (const part of parts) work(part.ask)
  }

  async function reserveParts(ask: Ask, parts: readonly Part[]): Promise<Verdict> {
    const states = new Array<PoolState>(ask.claims.length)
    const taken: Ask[] = []
    try {
      for (const part of parts) {
        const verdict = await reserve(part.ask)
        for (const [at, index] of part.indexes.entries()) states[index] = verdict.states[at] as PoolState
        if (verdict.admitted) {
          taken.push(part.ask)
          continue
        }
        for (const it of taken) settle(it, unsent)
        const known = states.map((it) => it ?? { remaining: 0, resetMs: 0 })
        return { ...verdict, failed: part.indexes[verdict.failed] as number, states: known }
      }
    } catch (fault) {
      for (const it of taken) settle(it, unsent)
      throw fault
    }
    partsOf.set(ask, parts)
    return { admitted: true, states }
  }

  return {
    reserve: (ask) => {
      const parts = clustered ? apart(ask) : []
      return parts.length < 2 ? reserve(ask) : reserveParts(ask, parts)
    },
    settle: (ask, used) => each(ask, (part) => settle(part, used)),
    each,
  }
}

/** The parts of an ask by slot, quotas first. */
function apart(ask: Ask): Part[] {
  const bySlot = new Map<string, number[]>()
  for (const [index, claim] of ask.claims.entries()) {
    const tag = tagOf(claim.bucket)
    const there = bySlot.get(tag)
    if (there === undefined) bySlot.set(tag, [index])
    else there.push(index)
  }
  return [...bySlot]
    .sort(([a], [b]) => Number(b.startsWith('{quo_')) - Number(a.startsWith('{quo_')))
    .map(([, indexes]) => ({
      ask: { ...ask, claims: indexes.map((index) => ask.claims[index] as Claim) },
      indexes,
    }))
}
