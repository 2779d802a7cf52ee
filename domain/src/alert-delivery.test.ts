/** Waits grow, are spread by chance, and end. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALERT_ATTEMPTS_MAX, retryAfterMs } from './alert-delivery.ts'

test('each wait is longer than the one before, whatever chance adds, and after the last attempt there is none', () => {
  const chance = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: ALERT_ATTEMPTS_MAX - 2 }), chance, chance, (attempts, a, b) => {
      expect(retryAfterMs(attempts + 1, b) as number).toBeGreaterThan(retryAfterMs(attempts, a) as number)
    }),
  )
  expect(retryAfterMs(ALERT_ATTEMPTS_MAX - 1, 0)).toBeGreaterThan(0)
  expect(retryAfterMs(ALERT_ATTEMPTS_MAX, 0)).toBeNull()
  expect(retryAfterMs(ALERT_ATTEMPTS_MAX + 1, 0)).toBeNull()
})
