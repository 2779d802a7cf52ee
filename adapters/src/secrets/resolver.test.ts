/** How secrets are remembered, refreshed and done without. */
import { GatewayError } from '@headgate/domain/gateway-error'
import { SecretRef } from '@headgate/domain/secret-ref'
import { describe, expect, test } from 'vitest'
import { envSecrets } from './env.ts'
import { secretResolver } from './resolver.ts'
import { sealedSecrets } from './sealed.ts'
import { secretSealer } from './sealer.ts'

const ref = SecretRef.parse('kv://team-vault/openai')
const MINUTE_MS = 60_000

/** A source whose answers the test decides, and a clock of its own. */
function setUp() {
  const at = { nowMs: 5, asked: 0, value: 'sk-first' as string | Error }
  const read = async () => {
    at.asked += 1
    if (at.value instanceof Error) throw at.value
    return at.value
  }
  const lines: string[] = []
  const resolver = secretResolver({
    sources: { kv: { read }, env: envSecrets({ OPENAI_API_KEY: 'sk-env\n' }) },
    clock: { monotonicMs: () => at.nowMs },
    log: (_level, message) => void lines.push(message),
  })
  return { at, resolver, lines, reveal: async () => (await resolver.resolve(ref)).reveal() }
}

describe('the secret resolver', () => {
  test('is synchronous from the second time on, and asks again after five minutes', async () => {
    const { at, resolver, reveal } = setUp()
    expect(await reveal()).toBe('sk-first')
    at.value = 'sk-second'
    at.nowMs += 4.9 * MINUTE_MS
    expect(resolver.resolve(ref)).not.toBeInstanceOf(Promise)
    expect(await reveal()).toBe('sk-first')
    at.nowMs += 0.2 * MINUTE_MS
    expect(await reveal()).toBe('sk-second')
    expect(at.asked).toBe(2)
  })

  test('asks once for simultaneous calls', async () => {
    const { at, reveal } = setUp()
    expect(await Promise.all([reveal(), reveal(), reveal()])).toEqual(['sk-first', 'sk-first', 'sk-first'])
    expect(at.asked).toBe(1)
  })

  test('serves the last value for 15 minutes while the source fails, asking each 5 s, and says so once', async () => {
    const { at, reveal, lines } = setUp()
    await reveal()
    at.value = new Error('vault is away')
    at.nowMs += 6 * MINUTE_MS
    expect(await reveal()).toBe('sk-first')
    expect(await reveal()).toBe('sk-first')
    expect(at.asked).toBe(2)
    at.nowMs += 5_001
    expect(await reveal()).toBe('sk-first')
    expect(at.asked).toBe(3)
    expect(lines).toHaveLength(1)
    at.nowMs += 10 * MINUTE_MS
    await expect(reveal()).rejects.toMatchObject({ code: 'upstream_auth' })
  })

  test('remembers a failure for five seconds', async () => {
    const { at, resolver, reveal } = setUp()
    at.value = new Error('no such secret')
    await expect(reveal()).rejects.toThrow('no such secret')
    expect(() => resolver.resolve(ref)).toThrow(GatewayError)
    expect(at.asked).toBe(1)
    at.nowMs += 5_001
    at.value = 'sk-late'
    expect(await reveal()).toBe('sk-late')
  })

  test('takes a value without the line end that files and shells add, and no empty one', async () => {
    const { at, resolver, reveal } = setUp()
    expect(resolver.resolve(SecretRef.parse('env://OPENAI_API_KEY'))).toMatchObject({})
    expect((await resolver.resolve(SecretRef.parse('env://OPENAI_API_KEY'))).reveal()).toBe('sk-env')
    at.value = ' \n'
    await expect(reveal()).rejects.toThrow('empty')
  })

  test('says of a scheme without a source that it is not set up, and nothing of it to callers', () => {
    const { resolver } = setUp()
    const resolve = () => resolver.resolve(SecretRef.parse('db://abc'))
    expect(resolve).toThrow('not set up')
    expect(resolve).toThrow(expect.objectContaining({ code: 'upstream_auth' }))
    expect(resolve).not.toThrow(expect.objectContaining({ detail: { public: expect.anything() } }))
  })

  test('asks ahead of time, once, while calls go on with what there is', async () => {
    const { at, resolver, reveal } = setUp()
    await reveal()
    at.value = 'sk-second'
    at.nowMs += 4.5 * MINUTE_MS
    for (let call = 0; call < 3; call++) expect(resolver.resolve(ref)).not.toBeInstanceOf(Promise)
    expect(at.asked).toBe(2)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await reveal()).toBe('sk-second')
    expect(at.asked).toBe(2)
  })

  test('holds up no call while the source is away and the last value may be served', async () => {
    const { at, resolver, reveal } = setUp()
    await reveal()
    at.value = new Error('vault is away')
    at.nowMs += 6 * MINUTE_MS
    await reveal()
    at.nowMs += 5_001
    expect(resolver.resolve(ref)).not.toBeInstanceOf(Promise)
  })

  test('a secret of the catalog has its new value with the catalog that brings it', async () => {
    const sealer = secretSealer('a sealing key of at least 32 characters')
    const resolver = secretResolver({
      sources: { db: sealedSecrets(sealer) },
      clock: { monotonicMs: () => 5 },
    })
    const stored = SecretRef.parse('db://openai')
    const reveal = async () => (await resolver.resolve(stored)).reveal()
    expect(() => resolver.resolve(stored)).toThrow('there is no stored secret openai')
    resolver.take([{ name: 'openai', sealed: sealer.seal('openai', 'sk-one') }])
    expect(await reveal()).toBe('sk-one')
    resolver.take([{ name: 'openai', sealed: sealer.seal('openai', 'sk-two') }])
    expect(await reveal()).toBe('sk-two')
    resolver.take([])
    expect(() => resolver.resolve(stored)).toThrow('there is no stored secret openai')
  })
})

describe('secrets from the environment', () => {
  const source = envSecrets({ OPENAI_API_KEY: 'sk', EMPTY: ' ', HEADGATE_KEY_PEPPER: 'x', DATABASE_URL: 'x' })

  test('are read by name, and a missing one is named', () => {
    expect(source.read('OPENAI_API_KEY')).toBe('sk')
    expect(() => source.read('AZURE_KEY')).toThrow('AZURE_KEY is not set')
    expect(() => source.read('EMPTY')).toThrow('EMPTY is not set')
    expect(() => source.read('constructor')).toThrow('is not set')
  })

  test.each([
    'HEADGATE_KEY_PEPPER',
    'DATABASE_URL',
    'REDIS_URL',
    'PATH',
    'NODE_OPTIONS',
    'AZURE_CLIENT_SECRET',
    'PGPASSWORD',
  ])('%s is never given out', (name) => {
    expect(() => source.read(name)).toThrow('not given out')
  })
})
