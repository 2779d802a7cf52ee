/**
 * A batch is what several calls of one turn of the event loop ask of the ledger, laid out flat for one
 * script call. A spec is a bucket with its limit: named once per batch, then pointed at by number.
 */
import type { BucketState, Claim, Correction, Verdict } from '@headgate/domain/limit'

type Spec = Pick<Claim, 'bucket' | 'limit' | 'windowMs'>

/** The specs of a batch, each with the number (from 1) that claims and corrections point to. */
export type SpecTable = {
  readonly keys: string[]
  /** Limit and window of each spec. */
  readonly numbers: string[]
  readonly numberOf: Map<string, number>
}

export function specTable(): SpecTable {
  return { keys: [], numbers: [], numberOf: new Map() }
}

/** The number of a claim's spec, entered if it is new. A bucket whose limit has changed becomes a second spec. */
function specNumber(table: SpecTable, prefix: string, spec: Spec): string {
  const limit = String(spec.limit)
  const windowMs = String(spec.windowMs)
  const known = table.numberOf.get(spec.bucket) ?? 0
  if (table.numbers[2 * known - 2] === limit && table.numbers[2 * known - 1] === windowMs)
    return String(known)
  table.keys.push(prefix + spec.bucket)
  table.numbers.push(limit, windowMs)
  table.numberOf.set(spec.bucket, table.keys.length)
  return String(table.keys.length)
}

/** Adds one call's claims to the arguments of reserve.lua. */
export function writeClaims(
  into: string[],
  table: SpecTable,
  prefix: string,
  claims: readonly Claim[],
): void {
  into.push(String(claims.length))
  for (const claim of claims) into.push(specNumber(table, prefix, claim), String(claim.amount))
}

/** Adds one correction to the arguments of settle.lua. */
export function writeCorrection(into: string[], table: SpecTable, prefix: string, it: Correction): void {
  into.push(specNumber(table, prefix, it), String(it.delta))
}

/** Server time of a reply of reserve.lua, in the milliseconds its judgement was made with (since 2026). */
export function replyTimeMs(reply: readonly number[]): number {
  const micros = reply[0] ?? 0
  return Math.floor(micros / 1_000_000) * 1000 + (micros % 1_000_000) / 1000
}

/**
 * The verdict on one call in a reply of reserve.lua.
 * @param at where the call begins in the reply; the first begins at 1, the next `2 + 2 * claims` further on
 */
export function readVerdict(reply: readonly number[], at: number, claimCount: number): Verdict {
  const states: BucketState[] = []
  for (let i = 0; i < claimCount; i++) {
    const place = at + 2 + 2 * i
    states.push({ remaining: reply[place] as number, resetMs: reply[place + 1] as number })
  }
  const failed = reply[at] as number
  if (failed < 0) return { admitted: true, states }
  const waitMs = reply[at + 1] as number
  return { admitted: false, failed, waitMs: waitMs < 0 ? null : waitMs, states }
}

/** Throws when a reply is not the one a batch of these calls must have. */
export function checkReply(
  reply: unknown,
  calls: readonly { claims: readonly Claim[] }[],
): readonly number[] {
  let length = 1
  for (const call of calls) length += 2 + 2 * call.claims.length
  if (Array.isArray(reply) && reply.length === length) return reply
  throw new Error('reserve.lua answered in a form we do not know')
}

/** What batches are gathered by: the hash tag in a cluster, where one script call may touch one slot only. */
export function slotOf(client: { readonly clustered: boolean }, bucket: string): string {
  if (!client.clustered) return ''
  const open = bucket.indexOf('{')
  const close = bucket.indexOf('}', open)
  return open >= 0 && close > open + 1 ? bucket.slice(open + 1, close) : bucket
}
