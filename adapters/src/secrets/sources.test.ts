/** Each source gives what its reference names and nothing around it. Key Vault is a fake that speaks its protocol. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { selfSigned } from '../../../tests/servers/self-signed.ts'
import { fileSecrets } from './file.ts'
import { keyVaultSecrets } from './key-vault.ts'
import { sealedSecrets } from './sealed.ts'
import { secretSealer } from './sealer.ts'

const OLD = 'the old sealing key; 32 characters or more'
const NEW = 'the new sealing key; 32 characters or more'

describe('sealed secrets', () => {
  test('open under the key they were sealed with, and no value is sealed twice alike', () => {
    const sealer = secretSealer(OLD)
    const sealed = sealer.seal('openai', 'sk-value')
    expect(sealer.open('openai', sealed)).toBe('sk-value')
    expect(sealer.seal('openai', 'sk-value')).not.toBe(sealed)
    expect(sealed).not.toContain('sk-value')
  })

  test('do not open under another name, another key, or when one character was changed', () => {
    const sealer = secretSealer(OLD)
    const sealed = sealer.seal('openai', 'sk-value')
    expect(() => sealer.open('azure', sealed)).toThrow('it does not open')
    expect(() => secretSealer(NEW).open('openai', sealed)).toThrow('is not set here')
    for (const at of [12, 30, sealed.length - 2]) {
      const other = sealed[at] === 'A' ? 'B' : 'A'
      expect(() => sealer.open('openai', sealed.slice(0, at) + other + sealed.slice(at + 1))).toThrow()
    }
    expect(() => sealer.open('openai', 'nonsense')).toThrow('is not set here')
  })

  test('go on opening while the key is changed: the first seals, all open', () => {
    const both = secretSealer(`${NEW},${OLD}`)
    expect(both.open('a', secretSealer(OLD).seal('a', 'value'))).toBe('value')
    expect(secretSealer(NEW).open('a', both.seal('a', 'value'))).toBe('value')
    expect(() => secretSealer(`${NEW},short`)).toThrow('HEADGATE_SEALING_KEY')
  })

  test('say which setting is missing', () => {
    expect(() => sealedSecrets(null).read('openai')).toThrow('HEADGATE_SEALING_KEY')
  })
})

describe('secrets in files', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secrets-'))
    await writeFile(join(folder, 'openai'), 'sk-from-file\n')
    await writeFile(join(folder, 'big'), 'x'.repeat(70_000))
    await symlink('/etc/hostname', join(folder, 'out'))
    await symlink('openai', join(folder, 'in'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('are read by name, through links within the folder, and no other way', async () => {
    const { read } = fileSecrets(folder)
    expect(await read('openai')).toBe('sk-from-file\n')
    expect(await read('in')).toBe('sk-from-file\n')
    await expect(read('out')).rejects.toThrow('leads out of')
    await expect(read('../x')).rejects.toThrow()
    await expect(read('none')).rejects.toThrow('(ENOENT)')
    await expect(read('big')).rejects.toThrow('no secret')
    await expect(fileSecrets(null).read('openai')).rejects.toThrow('HEADGATE_SECRETS_DIR')
  })
})

describe('secrets in Key Vault', () => {
  const asked: { path: string; authorization: string | undefined }[] = []
  const server = createServer({ key: selfSigned.key, cert: selfSigned.certificate }, (request, reply) => {
    const path = request.url?.split('?')[0] ?? ''
    asked.push({ path, authorization: request.headers.authorization })
    reply.setHeader('content-type', 'application/json')
    if (request.headers.authorization === undefined) {
      const where = 'authorization="https://login.example/tenant", resource="https://vault.azure.net"'
      reply.writeHead(401, { 'www-authenticate': `Bearer ${where}` }).end('{}')
      return
    }
    const [, , name, version] = path.split('/')
    const id = `https://localhost/secrets/${name}/${version || 'a'.repeat(32)}`
    if (name === 'openai') {
      reply.end(JSON.stringify({ value: `sk-${version || 'latest'}`, id, attributes: {} }))
      return
    }
    reply.writeHead(name === 'denied' ? 403 : 404)
    reply.end(
      JSON.stringify({
        error: { code: name === 'denied' ? 'Forbidden' : 'SecretNotFound', message: 'sk-x' },
      }),
    )
  })
  let origin: string
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `https://localhost:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  const source = () =>
    keyVaultSecrets({
      vaults: ['team-vault'],
      urlOf: () => origin,
      credential: {
        getToken: async () => ({ token: 'identity', expiresOnTimestamp: Date.now() + 3_600_000 }),
      },
      clientOptions: {
        disableChallengeResourceVerification: true,
        tlsOptions: { ca: selfSigned.certificate },
      } as never,
    })

  test('are read with the identity, after the challenge, the latest or a version of them', async () => {
    expect(await source().read('team-vault/openai')).toBe('sk-latest')
    expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, 'Bearer identity'])
    expect(await source().read(`team-vault/openai/${'0'.repeat(32)}`)).toBe(`sk-${'0'.repeat(32)}`)
  })

  test('a vault that the settings do not name is never asked, whoever writes a reference to it', async () => {
    const before = asked.length
    await expect(source().read('other-vault/openai')).rejects.toThrow('HEADGATE_KEY_VAULTS')
    expect(asked).toHaveLength(before)
  })

  test.each([
    ['missing', '404 SecretNotFound'],
    ['denied', '403 Forbidden'],
  ])('%s: the fault tells status and code, and nothing of what was answered', async (name, expected) => {
    const fault = await Promise.resolve(source().read(`team-vault/${name}`)).then(
      String,
      (thrown: Error) => thrown.message,
    )
    expect(fault).toBe(`Key Vault team-vault does not give ${name}: ${expected}`)
  })
})
