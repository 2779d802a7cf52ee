/**
 * Writes one piece: all of it or, where single items are at fault, all but those. What the service asks to wait is waited,
 * by all pieces together; what is too large is halved.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, OperationInput, OperationResponse } from '@azure/cosmos'
import { SinkFault } from '@headgate/domain/sink'
import type { RefusedEntry } from '@headgate/domain/sink-entry'
import { faultOf, type Told, toldBy } from './cosmos-fault.ts'
import type { CosmosItem } from './cosmos-item.ts'
import { halvesOf, type Piece } from './cosmos-pieces.ts'

/** Where a refusal for want of throughput does not say how long. */
const WAIT_MS = 500
const JITTER = 0.25
const TOO_MANY = 429
const TOO_LARGE = 413
const BAD_REQUEST = 400
/** Of an item whose piece failed because of another. */
const DEPENDS = 424
/** A write met another; to be sent again. */
const RETRY_WITH = 449

/** What the pieces of one write have in common. */
export type Writing = {
  readonly container: Container
  readonly signal: AbortSignal
  /** Nothing is sent before then, by the monotonic clock. */
  resumeAtMs: number
  /** What would have to wait beyond this is given back, by the same clock. */
  readonly endMs: number
  readonly refused: RefusedEntry[]
  /** Set when an answer makes one doubt that the container is what it was. */
  isDoubtful: boolean
  readonly wrote: (piece: readonly CosmosItem[]) => void
}

/** @throws SinkFault when it cannot be said of every item whether it is written or refused */
export async function writePiece(piece: Piece, writing: Writing): Promise<void> {
  for (;;) {
    await whenMaySend(writing)
    const told = await send(piece, writing)
    if (told === null) return writing.wrote(piece)
    if (told.status !== TOO_MANY && told.status !== RETRY_WITH) return withoutThose(piece, told, writing)
    const askedMs = told.retryAfterMs ?? WAIT_MS
    const resumeAtMs = performance.now() + askedMs * (1 + Math.random() * JITTER)
    if (resumeAtMs > writing.endMs) throw faultOf({ ...told, retryAfterMs: askedMs })
    writing.resumeAtMs = Math.max(writing.resumeAtMs, resumeAtMs)
  }
}

async function whenMaySend({ resumeAtMs, signal }: Writing): Promise<void> {
  const waitMs = Math.max(0, resumeAtMs - performance.now())
  if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {})
  if (signal.aborted) throw new SinkFault('the process is stopping')
}

/** Which items are at fault, if it is single ones. */
type Failed = Told & { readonly culprits: readonly CosmosItem[] }

/** Null when all of it is written. */
async function send(piece: Piece, { container, signal }: Writing): Promise<Failed | null> {
  const operations = piece.map(
    ({ body }) => ({ operationType: 'Upsert', resourceBody: body }) as OperationInput,
  )
  try {
    const options = { abortSignal: signal, contentResponseOnWriteEnabled: false }
    const { result } = await container.items.batch(operations, piece[0].partition, options)
    return failedIn(piece, result)
  } catch (thrown) {
    return { ...toldBy(thrown), culprits: [] }
  }
}

/** What Cosmos DB says of each operation stands in the order of the operations. */
function failedIn(piece: Piece, results: readonly OperationResponse[] | undefined): Failed | null {
  const statuses = piece.map((_, nth) => Number(results?.[nth]?.statusCode))
  if (statuses.every((status) => status >= 200 && status < 300)) return null
  const isCulprit = (nth: number) => !(statuses[nth] === DEPENDS || (statuses[nth] ?? 0) < 300)
  const first = piece.findIndex((_, nth) => isCulprit(nth))
  const status = statuses[first]
  if (status === undefined || Number.isNaN(status))
    return { status: null, code: 'an answer without statuses', retryAfterMs: null, culprits: [] }
  // Told by the service and not by the types of the SDK.
  const waitMs = (results?.[first] as { retryAfterMilliseconds?: unknown } | undefined)
    ?.retryAfterMilliseconds
  return {
    ...{ status, code: String(status), retryAfterMs: typeof waitMs === 'number' ? waitMs : null },
    culprits: piece.filter((_, nth) => isCulprit(nth) && statuses[nth] === status),
  }
}

/** Puts those at fault aside and writes the others. Where none is named, the piece is halved until one is alone. */
async function withoutThose(piece: Piece, failed: Failed, writing: Writing): Promise<void> {
  const { status } = failed
  if (status !== null && status < 500) writing.isDoubtful = true
  if (status !== TOO_LARGE && status !== BAD_REQUEST) throw faultOf(failed)
  const halves = failed.culprits.length === 0 ? halvesOf(piece) : null
  if (halves !== null) {
    for (const half of halves) await writePiece(half, writing)
    return
  }
  const culprits = failed.culprits.length === 0 ? piece : failed.culprits
  const reason = status === TOO_LARGE ? 'it is too large for Cosmos DB' : 'Cosmos DB answers 400'
  writing.refused.push(...culprits.map(({ id }) => ({ id, reason })))
  const [next, ...others] = piece.filter((item) => !culprits.includes(item))
  if (next !== undefined) await writePiece([next, ...others], writing)
}
