/** The digest is HMAC-SHA-256, whatever the shape of pepper and key. */
import { createHmac } from 'node:crypto'
import { mintKey } from '@headgate/domain/proxy-key'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyDigester } from './digest.ts'

const hmac = (pepper: Buffer, text: string) => createHmac('sha256', pepper).update(text).digest('hex')

test('equals the HMAC of the platform for any pepper and any text', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 200 })
  fc.assert(
    fc.property(bytes, fc.array(fc.string({ unit: 'binary', maxLength: 300 })), (pepper, texts) => {
      const digest = keyDigester(Buffer.from(pepper).toString('hex'))
      for (const text of texts) expect(digest(text)).toBe(hmac(Buffer.from(pepper), text))
    }),
  )
})

test('one digest does not leave traces in the next', () => {
  const digest = keyDigester('p'.repeat(32))
  const key = mintKey('live')
  const alone = digest(key)
  digest('x'.repeat(150))
  digest('x'.repeat(5000))
  expect(digest(key)).toBe(alone)
})

test('a pepper means the same as hex or base64, and text is taken as it is', () => {
  const pepper = Buffer.from(crypto.getRandomValues(new Uint8Array(32)))
  const expected = hmac(pepper, 'key')
  expect(keyDigester(pepper.toString('hex'))('key')).toBe(expected)
  expect(keyDigester(`${pepper.toString('base64')}\n`)('key')).toBe(expected)
  const text = 'correct horse battery staple, thirty-two!'
  expect(keyDigester(text)('key')).toBe(hmac(Buffer.from(text), 'key'))
})

test.each(['', 'short', 'ab'.repeat(15), 'ä'.repeat(15)])(
  'a pepper of too few bytes is refused: %j',
  (pepper) => {
    expect(() => keyDigester(pepper)).toThrow('HEADGATE_KEY_PEPPER')
  },
)
