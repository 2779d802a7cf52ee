/** What looks like a credential is found in any text; what we write ourselves does not look like one. */
import { expect, test } from 'vitest'
import { mintApiToken } from './api-token.ts'
import { idSource } from './id.ts'
import { literalSecrets, randomWords } from './literal-secret.ts'
import { mintKey } from './proxy-key.ts'

test.each([
  'sk-proj-abcdefghijklmnop1234',
  'ghp_0123456789abcdefghij0123456789',
  'AKIAIOSFODNN7EXAMPLE',
  'xoxb-1234567890-abcdef',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc',
  'postgres://user:hunter22@db.example',
  'Bearer abcdefghijklmnopqrstuvwxyz',
  '-----BEGIN EC PRIVATE KEY-----\nMIG',
  mintKey('test'),
  mintApiToken(),
  `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`,
  'sk_live_51H8xYzAbCdEfGhIjKlMn',
  'SharedAccessKey=Zm9vYmFyYmF6cXV4cXV1eGNvcmdl',
  'https://hooks.slack.com/services/T0/B0/XXXX',
  // As Azure OpenAI gives them.
  '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  'Ab3'.repeat(28),
])('%s is found within a text', (secret) => {
  expect(literalSecrets(`"note": "the key is ${secret} so"`)).toHaveLength(1)
})

test('names, ids, references, addresses and hashes pass for what they are', () => {
  const id = idSource()('team', 1e12)
  const texts = [
    id,
    `${id}-${id}`,
    'db://found-01m87wcp6rcbfq0e9hxx7h6rny',
    'found-01m87wcp6rcbfq0e9hxx7h6rny',
    'env://OPENAI_API_KEY',
    'kv://team-vault/openai',
    'kv://team-vault/openai/0f1e2d3c4b5a69788796a5b4c3d2e1f0',
    '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
    'req_0f1e2d3c4b5a69788796a5b4c3d2e1f0',
    'a'.repeat(32),
    'a'.repeat(84),
    'https://api.openai.com',
    'task-force-of-the-north',
  ]
  for (const text of [
    ...texts,
    'a'.repeat(64),
    '0123456789abcdef'.repeat(4),
    'internationalisation-of-everything-2',
  ]) {
    expect(literalSecrets(text), text).toEqual([])
    expect(randomWords(text), text).toEqual([])
  }
})

test('a long random word without a known form is worth a look', () => {
  expect(randomWords('x Zq8vN3kLw7RtY2mBp5XcJ9dHf4GsA6eU1oKi y')).toHaveLength(1)
})
