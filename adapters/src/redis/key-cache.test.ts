/** What the key cache keeps and what it lets go. */
import { expect, test } from 'vitest'
import { sampleKey } from '../contracts/samples.ts'
import { type CachedKey, keyCache } from './key-cache.ts'

const known = (): CachedKey => ({ record: sampleKey(), atMs: 0, askAgainAtMs: 0 })
const unknown = (): CachedKey => ({ record: null, atMs: 0, askAgainAtMs: 0 })

test('never holds more than its size, and keeps what is in use', () => {
  const cache = keyCache(100)
  const used = known()
  cache.set('used', used)
  for (let i = 0; i < 1000; i++) {
    cache.set(`key${i}`, known())
    expect(cache.get('used')).toBe(used)
  }
  const held = Array.from({ length: 1000 }, (_, i) => cache.get(`key${i}`)).filter(Boolean)
  expect(held.length).toBeLessThanOrEqual(100)
})

test('a flood of unknown digests pushes no known key out', () => {
  const cache = keyCache(100)
  for (let i = 0; i < 40; i++) cache.set(`key${i}`, known())
  for (let i = 0; i < 10_000; i++) cache.set(`junk${i}`, unknown())
  for (let i = 0; i < 40; i++) expect(cache.get(`key${i}`)).toBeDefined()
})

test('a digest is either known or unknown, by what was said last', () => {
  const cache = keyCache(100)
  const entry = known()
  cache.set('a', unknown())
  cache.set('a', entry)
  expect(cache.get('a')).toBe(entry)
  cache.set('a', unknown())
  expect(cache.get('a')?.record).toBeNull()
  cache.delete('a')
  expect(cache.get('a')).toBeUndefined()
})
