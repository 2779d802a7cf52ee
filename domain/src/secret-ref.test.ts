/** A reference is never a secret, and a secret is never printed. */
import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSecretRef, Secret, SecretRef, splitSecretRef } from './secret-ref.ts'

test.each([
  ['env://OPENAI_API_KEY', 'env', 'OPENAI_API_KEY'],
  ['kv://team-vault/openai', 'kv', 'team-vault/openai'],
  [
    'kv://team-vault/openai/0123456789abcdef0123456789abcdef',
    'kv',
    'team-vault/openai/0123456789abcdef0123456789abcdef',
  ],
  ['db://abc_1', 'db', 'abc_1'],
  ['file://openai.key', 'file', 'openai.key'],
])('%s is a reference', (text, scheme, rest) => {
  expect(splitSecretRef(SecretRef.parse(text))).toEqual({ scheme, rest })
})

test.each([
  'sk-proj-abcdefghijklmnop',
  'env://lower',
  'env://A B',
  'env://',
  'env://A\n',
  'kv://vault',
  'kv://../x',
  'kv://team-vault/openai/latest',
  'http://host/x',
  'file:///etc/passwd',
  'file://../passwd',
  'file://.hidden',
  'os.environ/OPENAI_API_KEY',
  'c2stcHJvai1hYmM=',
  'db://$x',
  '__proto__://x',
  'constructor://x',
  '',
])('%j is none', (text) => {
  expect(isSecretRef(text)).toBe(false)
  expect(SecretRef.safeParse(text).success).toBe(false)
})

test('no text without a known scheme passes for a reference', () => {
  fc.assert(fc.property(fc.string(), (text) => !isSecretRef(text) || /^(env|kv|db|file):\/\//.test(text)))
})

test('a secret shows itself to nobody but who asks for it', () => {
  const value = 'sk-very-secret-value'
  const secret = new Secret(value)
  const forms = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret, list: [secret] }),
    inspect(secret, { showHidden: true, depth: 9 }),
    inspect({ deep: { secret } }, { depth: 9 }),
    String(Object.values(secret)),
    JSON.stringify(structuredClone({ ...secret })),
  ]
  for (const form of forms) expect(form).not.toContain('very-secret')
  expect(secret.reveal()).toBe(value)
})
