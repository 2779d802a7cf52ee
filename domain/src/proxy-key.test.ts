/** The form of keys and what makes one unusable. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWellFormedKey, keyFault, mintKey } from './proxy-key.ts'

describe('a minted key', () => {
  test('is well formed, of fixed length, says its environment, and never comes twice', () => {
    const keys = Array.from({ length: 500 }, () => mintKey('live'))
    for (const key of keys) {
      expect(key).toMatch(/^hg_live_[0-9A-Za-z]{49}$/)
      expect(isWellFormedKey(key)).toBe(true)
    }
    expect(new Set(keys).size).toBe(500)
    expect(mintKey('demo')).toMatch(/^hg_demo_/)
    expect(mintKey('test')).toMatch(/^hg_test_/)
  })

  test('any one character changed, lost, doubled or swapped is noticed', () => {
    const alphabet = 'ABCabc0129_-é'
    fc.assert(
      fc.property(fc.nat(56), fc.nat(alphabet.length - 1), (at, choice) => {
        const key = mintKey('live')
        const [left, here, right] = [key.slice(0, at), key.charAt(at), key.slice(at + 1)]
        const other = alphabet.charAt(choice)
        if (other !== here) expect(isWellFormedKey(left + other + right)).toBe(false)
        expect(isWellFormedKey(left + right)).toBe(false)
        expect(isWellFormedKey(left + here + here + right)).toBe(false)
        const swapped = left + right.charAt(0) + here + right.slice(1)
        if (swapped !== key) expect(isWellFormedKey(swapped)).toBe(false)
      }),
    )
  })

  test('with its environment renamed is no key', () => {
    expect(isWellFormedKey(mintKey('test').replace('test', 'live'))).toBe(false)
  })
})

test('text that nobody minted is not well formed', () => {
  fc.assert(fc.property(fc.string(), (text) => !isWellFormedKey(text)))
  const body = fc.stringMatching(/^[0-9A-Za-z]{49}$/)
  fc.assert(fc.property(body, (text) => !isWellFormedKey(`hg_live_${text}`)))
  for (const text of ['', 'hg_live_', `${mintKey('live')}\n`, ` ${mintKey('live')}`, 'x'.repeat(100_000)])
    expect(isWellFormedKey(text)).toBe(false)
})

test('a key is of use while it is active and not expired, and the gravest reason is named', () => {
  const nowMs = 1_000
  const fault = (state: 'active' | 'disabled' | 'revoked', expiresAtMs: number | null) =>
    keyFault({ state, expiresAtMs }, nowMs)
  expect(fault('active', null)).toBeNull()
  expect(fault('active', 1_001)).toBeNull()
  expect(fault('active', 1_000)).toBe('key_expired')
  expect(fault('disabled', 999)).toBe('key_disabled')
  expect(fault('revoked', 999)).toBe('key_revoked')
})
