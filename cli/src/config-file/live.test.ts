/** Whatever ids were made in one millisecond, a part is read after what it is a part of. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parentsFirst } from './live.ts'

/** Each limit is a part of one before it, or of a quota; ids say nothing of their order. */
const limits = fc
  .uniqueArray(fc.tuple(fc.nat(999), fc.nat(20)), { selector: ([id]) => id, maxLength: 12 })
  .map((drawn) =>
    drawn.map(([id, at], i) => {
      const above = at < i ? drawn[at] : undefined
      return { id: `lim_${id}`, parentId: above === undefined ? 'quo_1' : `lim_${above[0]}` }
    }),
  )

test('limits are read after those they are parts of, and none is lost', () => {
  fc.assert(
    fc.property(limits, (made) => {
      const things = made.toSorted((a, b) => (a.id < b.id ? -1 : 1))
      const inOrder = parentsFirst(things)
      const ids = inOrder.map(({ id }) => id as string)
      expect(ids.toSorted()).toEqual(things.map(({ id }) => id))
      for (const [place, { parentId }] of inOrder.entries())
        expect(ids.indexOf(parentId as string)).toBeLessThan(place)
    }),
  )
})
