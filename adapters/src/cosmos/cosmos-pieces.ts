/** Items in pieces that Cosmos DB takes as one request: of one partition, not too many, not too large. */
import type { CosmosItem } from './cosmos-item.ts'

/** The limits of a batch: learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch. */
const ITEMS_MAX = 100
const REQUEST_BYTES_MAX = 2_000_000
/** What stands around each item in the request, and around all of them. */
const AROUND_BYTES = 64

/** One item at least, all of one partition. */
export type Piece = readonly [CosmosItem, ...CosmosItem[]]

/** Every item in exactly one piece; one that is too large for any request is alone in its piece. */
export function piecesOf(items: readonly CosmosItem[]): Piece[] {
  const pieces: [CosmosItem, ...CosmosItem[]][] = []
  for (const ofOne of Map.groupBy(items, (it) => it.partition).values()) {
    let bytes = Number.POSITIVE_INFINITY
    for (const item of ofOne) {
      const piece = pieces.at(-1)
      bytes += item.bytes + AROUND_BYTES
      if (piece !== undefined && piece.length < ITEMS_MAX && bytes <= REQUEST_BYTES_MAX) piece.push(item)
      else {
        pieces.push([item])
        bytes = item.bytes + 2 * AROUND_BYTES
      }
    }
  }
  return pieces
}

/** Two halves; null for a single item. */
export function halvesOf(piece: Piece): Piece[] | null {
  const [first, ...rest] = piece
  const middle = piece.length >> 1
  const [second, ...others] = rest.slice(Math.max(0, middle - 1))
  if (second === undefined) return null
  return [
    [first, ...rest.slice(0, Math.max(0, middle - 1))],
    [second, ...others],
  ]
}
