/** When the breaker opens, probes and closes. */
import { expect, test } from 'vitest'
import { breaker } from './breaker.ts'

function setUp() {
  const changes: boolean[] = []
  return { changes, gate: breaker((open) => changes.push(open)) }
}

test('five errors in a row open it; an answer between starts the count anew', () => {
  const { gate, changes } = setUp()
  for (let i = 0; i < 4; i++) gate.failed('error', 0)
  gate.succeeded()
  for (let i = 0; i < 4; i++) gate.failed('error', 0)
  expect(gate.isOpen()).toBe(false)
  gate.failed('error', 0)
  expect(gate.isOpen()).toBe(true)
  expect(changes).toEqual([true])
})

test('time-outs open it when they have gone on for 500 ms, however many there are', () => {
  const { gate } = setUp()
  for (let ms = 0; ms < 500; ms += 10) gate.failed('timeout', ms)
  expect(gate.isOpen()).toBe(false)
  gate.failed('timeout', 500)
  expect(gate.isOpen()).toBe(true)
})

test('while open, one question each 500 ms goes through, and one answer closes it', () => {
  const { gate, changes } = setUp()
  for (let i = 0; i < 5; i++) gate.failed('error', 0)
  const allowed: number[] = []
  for (let ms = 0; ms <= 1600; ms += 10) if (gate.allows(ms)) allowed.push(ms)
  expect(allowed).toEqual([500, 1000, 1500])
  gate.failed('error', 1500)
  expect(gate.allows(1600)).toBe(false)
  gate.succeeded()
  expect(gate.allows(1600)).toBe(true)
  expect(changes).toEqual([true, false])
})
