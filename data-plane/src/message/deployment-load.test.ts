/** What a gateway holds a deployment's latency to be. */
import { expect, test } from 'vitest'
import { DeploymentLoad } from './deployment-load.ts'

function loadAt() {
  const clock = { ms: 1_000 }
  return { clock, load: new DeploymentLoad(() => clock.ms) }
}

test('a slower answer counts at once, a faster one bit by bit', () => {
  const { clock, load } = loadAt()
  load.answered(100)
  load.answered(900)
  expect(load.latencyMs).toBe(900)
  clock.ms += 1_000
  load.answered(100)
  expect(load.latencyMs).toBeGreaterThan(100)
  expect(load.latencyMs).toBeLessThan(900)
})

test('a failure that came fast makes a deployment look slow, never fast', () => {
  const { load } = loadAt()
  load.answered(500)
  load.failed()
  expect(load.latencyMs).toBeGreaterThan(500)
})

test('what nobody measures anew fades', () => {
  const { clock, load } = loadAt()
  load.failed()
  const before = load.latencyMs
  clock.ms += 60_000
  expect(load.latencyMs).toBeLessThan(before / 100)
})

test('counts what is under way', () => {
  const { load } = loadAt()
  load.begin()
  load.begin()
  load.end()
  expect(load.inFlight).toBe(1)
})
