/**
 * The ledger under every fault we can think of, in virtual time. A failure names its seed; to run that one alone:
 * `TEST_SEED=<seed> npm test -- tests/simulation`. Seeds begin somewhere else in each run.
 */
import { expect, test } from 'vitest'
import { givenSeed } from '../servers/environment.ts'
import { rounds } from '../servers/rounds.ts'
import { type Fault, faultNames } from './plan.ts'
import { simulate } from './simulate.ts'

function seedsToRun(): { first: number; count: number } {
  const given = givenSeed()
  if (given !== null) return { first: given, count: 1 }
  return { first: Math.floor(Math.random() * 2 ** 31), count: rounds(1_200) }
}

test('whatever fails: bounds hold, a refused call takes nothing, what is charged was used, nothing stays held', () => {
  const { first, count } = seedsToRun()
  for (let seed = first; seed < first + count; seed++) expect(simulate(seed).finding).toBeNull()
})

test('the same seed is the same simulation', () => {
  for (let seed = 1; seed <= 20; seed++) expect(simulate(seed)).toEqual(simulate(seed))
})

test('each fault occurs in some seeds and not in others; calls are admitted, refused and left to their leases', () => {
  const seen = new Map<Fault, number>(faultNames.map((it) => [it, 0]))
  const sums = { calm: 0, admitted: 0, refused: 0, endedByLease: 0 }
  const count = 200
  for (let seed = 1; seed <= count; seed++) {
    const { faults, admitted, refused, endedByLease } = simulate(seed)
    if (faults.size === 0) sums.calm += 1
    for (const it of faults) seen.set(it, seen.get(it)! + 1)
    sums.admitted += admitted
    sums.refused += refused
    sums.endedByLease += endedByLease
  }
  for (const [fault, times] of seen) {
    expect(times, fault).toBeGreaterThan(count / 10)
    expect(times, fault).toBeLessThan(count / 2)
  }
  expect(sums.calm).toBeGreaterThan(count / 10)
  expect(sums.admitted).toBeGreaterThan(10 * count)
  expect(sums.refused).toBeGreaterThan(10 * count)
  expect(sums.endedByLease).toBeGreaterThan(count)
})
