/**
 * A replay lets the recorded calls of the last day run through a limit again, with another figure: how many would
 * have been refused? Each call counts with what it used in the end, from the instant it began. A refused call
 * takes nothing, as in the ledger.
 */
import type { Replay } from '@headgate/admin-contract/limits'
import { limitNodes } from '@headgate/domain/claim'
import { LedgerBook } from '@headgate/domain/ledger'
import { figureOf, type Limit } from '@headgate/domain/limit'
import type { Claim } from '@headgate/domain/reservation'
import type { HandlerContext } from '../context.ts'
import { type ReplayedCall, readReplayedCalls } from './replay-queries.ts'
import { readChain } from './tree-queries.ts'

const DAY_MS = 86_400_000

type Wanted = { readonly amount?: number | undefined; readonly share?: number | undefined }

export async function replayLimit(
  limit: Limit,
  wanted: Wanted,
  { db, nowMs }: HandlerContext,
): Promise<Replay> {
  const nodes = limitNodes(await readChain(db, limit))
  const node = nodes.find((it) => it.id === limit.id)
  const parent = nodes.find((it) => it.id === node?.parentId)
  const claim = node?.claim as Claim
  const share = wanted.share ?? null
  const isAsked = wanted.amount !== undefined || share !== null
  const other = figureOf({ amount: wanted.amount ?? null, share }, parent?.claim.limit ?? null)
  const figure = isAsked ? other : claim.limit
  const span = { from: new Date(nowMs - DAY_MS).toISOString(), to: new Date(nowMs).toISOString() }
  const { calls, truncated } = await readReplayedCalls(db, limit, span)
  const tried = refusalsAmong(calls, { ...claim, limit: figure, instead: null })
  const inForce = refusalsAmong(calls, { ...claim, instead: null })
  return {
    ...{ limitId: limit.id, ...span, figure, figureNow: claim.limit, truncated },
    calls: calls.length,
    units: calls.reduce((sum, call) => sum + (claim.unit === 'tokens' ? call.tokens : 1), 0),
    wouldBeRefused: tried.count,
    wouldBeRefusedNow: inForce.count,
    firstRefusedAt: tried.firstAtMs === null ? null : new Date(tried.firstAtMs).toISOString(),
  }
}

/** Runs calls, in the order they began, through one pool of their own. */
export function refusalsAmong(
  calls: readonly ReplayedCall[],
  claim: Claim,
): { count: number; firstAtMs: number | null } {
  const book = new LedgerBook()
  const running: { id: string; endsAtMs: number }[] = []
  let count = 0
  let firstAtMs: number | null = null
  for (const [i, call] of calls.entries()) {
    endThose(running, call.startedAtMs, book)
    const id = String(i)
    const ask = { id, claims: [claim], tokens: call.tokens, tokensAtLeast: 0 }
    if (book.reserve(ask, call.startedAtMs).admitted) {
      if (claim.kind === 'concurrent') running.push({ id, endsAtMs: call.startedAtMs + call.totalMs })
      else book.settle(id, { sent: true, tokens: call.tokens, quotaId: claim.quotaId }, call.startedAtMs)
      continue
    }
    count += 1
    firstAtMs ??= call.startedAtMs
  }
  return { count, firstAtMs }
}

function endThose(running: { id: string; endsAtMs: number }[], nowMs: number, book: LedgerBook): void {
  for (let i = running.length - 1; i >= 0; i--) {
    const call = running[i]
    if (call === undefined || call.endsAtMs > nowMs) continue
    book.settle(call.id, { sent: true, tokens: 0, quotaId: null }, nowMs)
    running.splice(i, 1)
  }
}
