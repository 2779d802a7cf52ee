/** Whatever is written is cut into requests that Cosmos DB takes, and nothing falls out or stands in two of them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CosmosItem } from './cosmos-item.ts'
import { halvesOf, piecesOf } from './cosmos-pieces.ts'

const anyItems = fc
  .array(
    fc.record({
      partition: fc.constantFrom('a/1', 'a/2', 'b/1'),
      bytes: fc.integer({ min: 1, max: 900_000 }),
    }),
    {
      maxLength: 400,
    },
  )
  .map((all) => all.map((it, nth): CosmosItem => ({ ...it, id: String(nth), body: {} })))

test('each item stands in one piece, of its partition, of at most 100 items and 2 MB', () => {
  fc.assert(
    fc.property(anyItems, (items) => {
      const pieces = piecesOf(items)
      expect(
        pieces
          .flat()
          .map((it) => it.id)
          .toSorted(),
      ).toEqual(items.map((it) => it.id).toSorted())
      for (const piece of pieces) {
        expect(new Set(piece.map((it) => it.partition)).size).toBe(1)
        expect(piece.length).toBeLessThanOrEqual(100)
        expect(piece.reduce((sum, it) => sum + it.bytes, 0)).toBeLessThanOrEqual(2_000_000)
      }
    }),
  )
})

test('small items of one partition fill their pieces', () => {
  const items = Array.from({ length: 250 }, (_, nth) => ({
    id: `${nth}`,
    partition: 'a',
    body: {},
    bytes: 900,
  }))
  expect(piecesOf(items).map((it) => it.length)).toEqual([100, 100, 50])
})

test('halves hold what the whole held, in its order, and a single item has none', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), (count) => {
      const items = Array.from({ length: count }, (_, nth) => ({
        id: `${nth}`,
        partition: 'a',
        body: {},
        bytes: 1,
      }))
      for (const piece of piecesOf(items)) {
        const halves = halvesOf(piece)
        const sizes = halves?.map((half) => half.length).toSorted((a, b) => a - b)
        expect(halves?.flat() ?? null).toEqual(piece.length === 1 ? null : [...piece])
        expect((sizes?.[1] ?? 0) - (sizes?.[0] ?? 0)).toBeLessThanOrEqual(1)
      }
    }),
  )
})
