/** Nothing that looks like a credential gets through, however it is wrapped. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mintApiToken } from './api-token.ts'
import { mintKey } from './proxy-key.ts'
import { redact } from './redaction.ts'

const credentials = fc.oneof(
  fc.constantFrom('live', 'test', 'demo').map((it) => mintKey(it as 'live')),
  fc.constant(null).map(mintApiToken),
  fc
    .tuple(fc.constantFrom('ghp_', 'glpat-', 'xoxb-', 'whsec_'), fc.stringMatching(/^[A-Za-z0-9]{24,48}$/))
    .map((parts) => parts.join('')),
  fc.stringMatching(/^[A-Za-z0-9]{20,48}$/).map((it) => `sk-${it}`),
  fc.stringMatching(/^[A-Za-z0-9]{20,48}$/).map((it) => `sk-proj-${it}`),
  fc.stringMatching(/^[A-Za-z0-9]{20}\.[A-Za-z0-9]{20}\.[A-Za-z0-9]{20}$/).map((it) => `eyJ${it}`),
)
const wrappings = fc.constantFrom(
  (it: string) => it,
  (it: string) => `Authorization: Bearer ${it}`,
  (it: string) => `{"error":{"message":"Incorrect API key provided: ${it}."}}`,
  (it: string) => JSON.stringify(`line one\n${it}\tand more`),
  (it: string) => `https://host/path?api_key=${it}&x=1`,
  (it: string) => `(${it})`,
)

test('a credential never survives, whatever stands around it', () => {
  fc.assert(
    fc.property(credentials, wrappings, fc.string(), fc.string(), (credential, wrap, before, after) => {
      expect(redact(`${before} ${wrap(credential)} ${after}`, 5_000)).not.toContain(credential)
    }),
  )
})

test('a key of ours is found even in the middle of a word', () => {
  const key = mintKey('live')
  expect(redact(`prefix${key}`)).not.toContain(key.slice(8, 40))
})

test.each([
  'api-key: 0123456789abcdef0123456789abcdef',
  '"api-key":"0123456789abcdef0123456789abcdef"',
  'password=0123456789abcdef',
  'OPENAI_API_KEY=0123456789abcdef',
  "secret: '0123456789abcdef'",
])('a value that is said to be a credential is one: %s', (text) => {
  expect(redact(text)).not.toContain('0123456789')
})

test('ordinary text is left alone', () => {
  const text = 'The provider said: max_tokens is too large (4096 > 2048) for task-manager gpt-4o-mini.'
  expect(redact(text)).toBe(text)
})

test('nothing comes out longer than asked for, and huge texts cost little', () => {
  fc.assert(fc.property(fc.string({ maxLength: 400 }), (text) => redact(text, 50).length <= 51))
  expect(redact('a'.repeat(5_000_000)).length).toBe(1001)
})
