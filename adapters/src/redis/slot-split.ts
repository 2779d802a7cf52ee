/**
 * In a cluster one script call may touch one slot only, and a call may hold claims of two: its team's and a
 * quota's, which many teams share. The quota's are taken first, then the team's; a team that refuses gives the
 * quota's back. A refusal speaks for all claims, as where one script call judges them. Should the gateway die in
 * between, the lease ends what was taken.
 */
import type { Ask, Claim, PoolState, Used, Verdict } from '@headgate/domain/reservation'
import { tagOf, unsent } from '@headgate/domain/reservation'

type Means = {
  readonly clustered: boolean
  readonly reserve: (ask: Ask) => Promise<Verdict>
  /** What `reserve` would say, without taking. */
  readonly judge: (ask: Ask) => Promise<Verdict>
  /** Gives back at once, and tells what the pools hold then. */
  readonly giveBack: (ask: Ask) => Promise<readonly PoolState[]>
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
export function splitBySlot({ clustered, reserve, judge, giveBack, settle }: Means): SlotSplit {
  const partsOf = new WeakMap<Ask, readonly Part[]>()
  const each = (ask: Ask, work: (part: Ask) => void) => {
    const parts = clustered ? partsOf.get(ask) : undefined
    if (parts === undefined) work(ask)
    else for (const part of parts) work(part.ask)
  }

  async function reserveParts(ask: Ask, parts: readonly Part[]): Promise<Verdict> {
    const verdicts: Verdict[] = []
    try {
      for (const part of parts) {
        const verdict = await reserve(part.ask)
        verdicts.push(verdict)
        if (!verdict.admitted) return refusal(ask, parts, await speakForAll(parts, verdicts))
      }
    } catch (fault) {
      for (const index of verdicts.keys()) settle((parts[index] as Part).ask, unsent)
      throw fault
    }
    partsOf.set(ask, parts)
    return { admitted: true, states: gathered(ask, parts, verdicts) }
  }

  /**
   * Gives back what was taken before the last of these verdicts refused, and asks those that were not asked yet.
   * Whoever does not answer now has nothing to say; it is given back all the same.
   */
  function speakForAll(parts: readonly Part[], verdicts: readonly Verdict[]): Promise<(Verdict | null)[]> {
    const said = parts.map(async ({ ask }, index): Promise<Verdict> => {
      const verdict = verdicts[index]
      if (verdict === undefined) return judge(ask)
      return verdict.admitted ? { admitted: true, states: await giveBack(ask) } : verdict
    })
    return Promise.all(said.map((it) => it.catch(() => null)))
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

/** One refusal of all the parts: the first claim that failed, the longest wait of all. */
function refusal(ask: Ask, parts: readonly Part[], verdicts: readonly (Verdict | null)[]): Verdict {
  let failed = ask.claims.length
  let waitMs: number | null = 0
  for (const [at, verdict] of verdicts.entries()) {
    if (verdict === null || verdict.admitted) continue
    failed = Math.min(failed, (parts[at] as Part).indexes[verdict.failed] as number)
    waitMs = waitMs === null || verdict.waitMs === null ? null : Math.max(waitMs, verdict.waitMs)
  }
  return { admitted: false, failed, waitMs, states: gathered(ask, parts, verdicts) }
}

/** The states of all claims in their order; nothing is said to remain where nobody answered. */
function gathered(ask: Ask, parts: readonly Part[], verdicts: readonly (Verdict | null)[]): PoolState[] {
  const states: PoolState[] = ask.claims.map(() => ({ remaining: 0, resetMs: 0 }))
  for (const [at, verdict] of verdicts.entries()) {
    if (verdict === null) continue
    for (const [i, index] of (parts[at] as Part).indexes.entries())
      states[index] = verdict.states[i] as PoolState
  }
  return states
}

/** The parts of an ask by slot, quotas first. */
function apart(ask: Ask): Part[] {
  const bySlot = Map.groupBy(ask.claims.keys(), (index) => tagOf((ask.claims[index] as Claim).bucket))
  return [...bySlot]
    .sort(([a], [b]) => Number(b.startsWith('{quo_')) - Number(a.startsWith('{quo_')))
    .map(([, indexes]) => ({
      ask: { ...ask, claims: indexes.map((index) => ask.claims[index] as Claim) },
      indexes,
    }))
}
