/** The bounds the simulation checks can be broken: each is kept by what is allowed, and not by one unit more. */
import type { Pool } from '@headgate/domain/reservation'
import { expect, test } from 'vitest'
import { PoolModel } from './pool-model.ts'

type Take = { units: number; atMs: number }

/** What the bound says after each of these was taken, whether it fits or not. */
function takeAll(pool: Pick<Pool, 'kind' | 'limit'>, takes: readonly Take[]): () => void {
  const model = new PoolModel({
    bucket: '{team_t}:pool',
    windowMs: pool.kind === 'concurrent' ? 0 : 60_000,
    ...pool,
  })
  return () => {
    for (const [i, { units, atMs }] of takes.entries()) {
      model.take(`req_${i}`, units, atMs)
      model.checkBound(units, atMs)
    }
  }
}

test('a bucket: a quarter of the limit at once and what flows in, over any stretch of time', () => {
  const kept = [
    { units: 15, atMs: 0 },
    { units: 5, atMs: 5_000 },
    { units: 15, atMs: 20_000 },
  ]
  expect(takeAll({ kind: 'bucket', limit: 60 }, kept)).not.toThrow()
  expect(takeAll({ kind: 'bucket', limit: 60 }, [...kept, { units: 1, atMs: 20_999 }])).toThrow('its bound')
})

test('a window: the limit in any stretch of its length', () => {
  const kept = [
    { units: 4, atMs: 59_000 },
    { units: 6, atMs: 61_000 },
    { units: 4, atMs: 119_000 },
  ]
  expect(takeAll({ kind: 'window', limit: 10 }, kept)).not.toThrow()
  expect(takeAll({ kind: 'window', limit: 10 }, [...kept, { units: 1, atMs: 120_999 }])).toThrow('its limit')
})

test('calls at once: the limit', () => {
  const kept = [
    { units: 1, atMs: 0 },
    { units: 1, atMs: 900_000 },
  ]
  expect(takeAll({ kind: 'concurrent', limit: 2 }, kept)).not.toThrow()
  expect(takeAll({ kind: 'concurrent', limit: 2 }, [...kept, { units: 1, atMs: 900_001 }])).toThrow('at once')
})
