/**
 * The test of the simulation: each of these bugs is found, and what has no bug is not blamed. All of them get the
 * same seeds, so a simulation that no longer finds one has lost something.
 */
import { expect, test } from 'vitest'
import { habitBugs } from './habit-bugs.ts'
import { ruleWith } from './planted-rule.ts'
import { ruleBugs } from './rule-bugs.ts'
import { goodParts, type Parts, simulate } from './simulate.ts'

const SEEDS = 500

function firstFinding(parts: Parts): string | null {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { finding } = simulate(seed, parts)
    if (finding !== null) return finding
  }
  return null
}

test('what has no bug keeps every promise under the same seeds', () => {
  expect(firstFinding(goodParts)).toBeNull()
})

test('the rule loaded like one with a bug, but without, keeps every promise', async () => {
  const same = 'const SWEEP_FIRST = 1_024'
  const newBook = await ruleWith({ name: 'no bug', file: 'ledger', from: same, to: same })
  expect(firstFinding({ ...goodParts, newBook })).toBeNull()
})

test('a bug whose place is gone is not taken for one that was found', async () => {
  await expect(ruleWith({ name: 'gone', file: 'ledger', from: 'not in this file', to: '' })).rejects.toThrow(
    '0 times',
  )
})

test.each(ruleBugs)('found in the ledger: $name', async (bug) => {
  expect(firstFinding({ ...goodParts, newBook: await ruleWith(bug) })).toMatch(/^seed \d+ /)
})

test.each(habitBugs)('found in a gateway: $name', ({ habits }) => {
  expect(firstFinding({ ...goodParts, habits: { ...goodParts.habits, ...habits } })).toMatch(/^seed \d+ /)
})
