/** The published examples, and what counts as a tag. */
import { expect, test } from 'vitest'
import { keySlot } from './key-slot.ts'

test('slots are those that Redis computes', () => {
  expect(keySlot('123456789')).toBe(0x31c3)
  expect(keySlot('somekey')).toBe(11_058)
  expect(keySlot('foo{hash_tag}')).toBe(2515)
  expect(keySlot('{user1000}.following')).toBe(keySlot('{user1000}.followers'))
  expect(keySlot('foo{}{bar}')).toBe(keySlot('foo{}{bar}'))
  expect(keySlot('foo{}{bar}')).not.toBe(keySlot('bar'))
  expect(keySlot('foo{{bar}}zap')).toBe(keySlot('{bar'))
})
