/** The process as a whole: it starts on what it finds, survives its database, and stops cleanly. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adminClient } from '@headgate/admin-contract/client'
import { expect, test } from 'vitest'
import {
  ADMIN_TOKEN,
  digestKey,
  memoryPorts,
  migratedDatabase,
  startTestPlane,
  until,
} from '../../tests/admin/harness.ts'
import { freshRedisUrl } from '../../tests/servers/fresh-redis.ts'
import { startLocalPostgres } from './database/local-server.ts'
import { startControlPlane } from './start.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

test('a second start on the same database finds its data and publishes its keys again', async () => {
  const first = await startTestPlane()
  const team = await first.client.teams.create({ body: { name: 'lasting' } })
  const app = await first.client.apps.create({ body: { name: 'app', teamId: team.id } })
  const key = await first.client.keys.create({ body: { name: 'k', appId: app.id } })
  await first.stop()
  const second = await startTestPlane({ databaseUrl: first.databaseUrl })
  expect((await second.client.teams.list()).data).toEqual([team])
  await until(() => second.ports.keyPublisher.find(digestKey(key.secret)) !== null, 'the key to be published')
  await second.stop()
})

test('a taken port ends the start with one sentence that names the setting', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  const config = {
    host: '127.0.0.1',
    adminPort: port,
    adminToken: ADMIN_TOKEN,
    adminUrl: null,
    directories: [],
    sessionRules: { checkMs: 300_000, staleMs: 3_600_000 },
    bootstrapCode: null,
    databaseUrl: (await migratedDatabase()).url,
    allowLoopbackUpstreams: false,
    drainMs: 1_000,
    alertNetworks: [],
    sinkLagSecondsMax: 900,
    audit: { key: 'k'.repeat(32), anchorsFile: null },
    fixedSettings: {},
  }
  await expect(startControlPlane(config, memoryPorts(), () => {})).rejects.toThrow(
    `port ${port} is taken: set HEADGATE_ADMIN_PORT to another`,
  )
  taken.close()
})

test('while Postgres is away reads and writes are 503 with a wait, readiness is false, and it comes back', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'headgate-start-'))
  let server = await startLocalPostgres({ dataDir })
  const it = await startTestPlane({ databaseUrl: server.url })
  try {
    await it.client.teams.create({ body: { name: 'before' } })
    await server.stop()
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', { name: 'meanwhile' }],
    ] as const) {
      const answer = await it.ask(method, '/api/v1/teams', { body })
      expect([answer.status, answer.json.code]).toEqual([503, 'database_unavailable'])
      expect(answer.headers.get('retry-after')).toBe('5')
      expect(answer.text).not.toMatch(/ECONNREFUSED|postgres:/)
    }
    await until(async () => (await it.ask('GET', '/readyz')).status === 503, 'readiness to be false')
    expect((await it.ask('GET', '/livez')).status).toBe(200)
    server = await startLocalPostgres({ dataDir })
    await until(async () => (await it.ask('GET', '/readyz')).status === 200, 'readiness to be true again')
    expect((await it.client.teams.list()).data.map((team) => team.name)).toEqual(['before'])
  } finally {
    await it.stop()
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}, 90_000)

/** Runs main.ts with this environment and nothing else of HEADGATE_. */
function runMain(environment: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: '/usr/bin:/bin', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { text: '' }
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      said.text += bytes
    })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, said, ended }
}

test('the process of its own serves over real stores, and SIGTERM ends it with 0', async () => {
  const pepper = 'a pepper for tests only, longer than thirty-two bytes'
  const auditKey = 'an audit key for tests, longer than thirty-two bytes'
  const { child, said, ended } = runMain({
    HEADGATE_ADMIN_PORT: '0',
    HEADGATE_ADMIN_TOKEN: ADMIN_TOKEN,
    HEADGATE_KEY_PEPPER: pepper,
    HEADGATE_AUDIT_KEY: auditKey,
    HEADGATE_TYPO: 'x',
    DATABASE_URL: (await migratedDatabase()).url,
    REDIS_URL: await freshRedisUrl(),
  })
  try {
    await until(() => said.text.includes('"serving"'), `it to serve; it said ${said.text}`)
    const origin = /"admin":"([^"]+)"/.exec(said.text)?.[1] ?? ''
    const team = await adminClient({ origin, token: ADMIN_TOKEN }).teams.create({ body: { name: 'real' } })
    expect(team.id).toMatch(/^team_/)
    expect(said.text).toContain('HEADGATE_TYPO is no setting of Headgate')
  } finally {
    child.kill('SIGTERM')
  }
  expect(await ended).toBe(0)
  for (const secret of [ADMIN_TOKEN, pepper, auditKey]) expect(said.text).not.toContain(secret)
})

test('wrong settings end the process with 1 and all faults', async () => {
  const { said, ended } = runMain({ HEADGATE_ADMIN_PORT: 'x' })
  expect(await ended).toBe(1)
  for (const name of ['HEADGATE_ADMIN_PORT', 'HEADGATE_ADMIN_TOKEN', 'HEADGATE_KEY_PEPPER', 'DATABASE_URL'])
    expect(said.text).toContain(name)
})
