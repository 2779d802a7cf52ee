/** Ids say what they name, sort by birth and never come twice. */
import { expect, test } from 'vitest'
import { idOf, idSource } from './id.ts'

test('ids have the form their shape asks for, and of no other kind', () => {
  const id = idSource()('key', Date.now())
  expect(idOf('key').safeParse(id).success).toBe(true)
  expect(idOf('app').safeParse(id).success).toBe(false)
  expect(idOf('key').safeParse(`${id} `).success).toBe(false)
})

test('ids of later milliseconds sort later', () => {
  const next = idSource()
  const ids = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 281_474_976_710_655].map((ms) =>
    next('req', ms),
  )
  expect([...ids].sort()).toEqual(ids)
})

test('a hundred thousand ids of two sources in one millisecond are all different', () => {
  const sources = [idSource(), idSource()]
  const ids = new Set<string>()
  for (let i = 0; i < 50_000; i++) for (const next of sources) ids.add(next('req', 5))
  expect(ids.size).toBe(100_000)
})
