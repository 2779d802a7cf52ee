/**
 * The validity of a price or an agreement is the time in which it holds. One without an end holds until a later one
 * begins; one that lies within another holds for its time, and the other goes on after it. Calls may have been billed
 * with what has come into force, so that is closed and never rewritten.
 */
export type Validity = {
  readonly effectiveFrom: string
  /** From here on it holds no more; null: until a later one begins. */
  readonly effectiveTo: string | null
}

/** What begins so soon is in the catalogs of gateways already, and some of them may have taken it up by their clock. */
const TAKEN_UP_MS = 60_000

/** Whether calls may have been billed with it: not yet, now, or not any more. */
export function validityState(
  { effectiveFrom, effectiveTo }: Validity,
  nowMs: number,
): 'coming' | 'in_force' | 'ended' {
  if (Date.parse(effectiveFrom) > nowMs + TAKEN_UP_MS) return 'coming'
  return effectiveTo !== null && Date.parse(effectiveTo) <= nowMs ? 'ended' : 'in_force'
}

/**
 * One that this one crosses: each has a time of its own, and in between both would hold. One that goes on without an
 * end is followed by a later one, and one within another is meant for a while; neither crosses.
 * @param others of the same model and provider, or of the same place
 */
export function crossedBy<T extends Validity>(it: Validity, others: readonly T[]): T | undefined {
  return others.find((other) =>
    Date.parse(it.effectiveFrom) <= Date.parse(other.effectiveFrom) ? crosses(it, other) : crosses(other, it),
  )
}

function crosses(first: Validity, second: Validity): boolean {
  if (first.effectiveTo === null) return false
  const [firstEnds, secondBegins] = [Date.parse(first.effectiveTo), Date.parse(second.effectiveFrom)]
  if (secondBegins === Date.parse(first.effectiveFrom) || secondBegins >= firstEnds) return false
  return second.effectiveTo === null || Date.parse(second.effectiveTo) > firstEnds
}
