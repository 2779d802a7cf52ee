import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient, type RedisClientType } from 'redis'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { makeRunFolder } from '../../../tests/servers/run-folder.ts'
import { findRedisServer, type LocalRedis, type LocalRedisPlan, startLocalRedis } from './local-server.ts'

let folder = ''

beforeEach(async () => {
  const made = await makeRunFolder()
  folder = join(made, 'server')
  // Registered first, so it runs last: after the servers in it have stopped.
  onTestFinished(() => rm(made, { recursive: true, force: true }))
})

/** Stops with the test even when the test fails. */
async function start(plan: Omit<LocalRedisPlan, 'dataDir'>): Promise<LocalRedis> {
  const redis = await startLocalRedis({ dataDir: folder, ...plan })
  onTestFinished(() => redis.stop())
  return redis
}

async function ask<T>(url: string, question: (client: RedisClientType) => Promise<T>): Promise<T> {
  const client = createClient({ url, socket: { reconnectStrategy: false } }) as unknown as RedisClientType
  client.on('error', () => {})
  try {
    await client.connect()
    return await question(client)
  } finally {
    client.destroy()
  }
}

test('a second start finds the data again, with the same password', async () => {
  const first = await start({ persistent: true })
  await ask(first.url, (client) => client.set('kept', 'yes'))
  await first.stop()
  const second = await start({ persistent: true })
  expect(await ask(second.url, (client) => client.get('kept'))).toBe('yes')
  expect(new URL(second.url).password).toBe(new URL(first.url).password)
})

test('data survives a killed server, and its death is announced', async () => {
  const first = await start({ persistent: true })
  await ask(first.url, (client) => client.set('kept', 'yes'))
  process.kill(first.pid, 'SIGKILL')
  expect(await first.died).toContain('Redis was ended by SIGKILL')
  await first.stop()
  const second = await start({ persistent: true })
  expect(await ask(second.url, (client) => client.get('kept'))).toBe('yes')
})

test('no one enters without the password, which is in no command line and in a file for its owner alone', async () => {
  const redis = await start({ persistent: false })
  const { password, port } = new URL(redis.url)
  await expect(ask(`redis://127.0.0.1:${port}`, (client) => client.get('any'))).rejects.toThrow('NOAUTH')
  expect(await readFile(`/proc/${redis.pid}/cmdline`, 'utf8')).not.toContain(password)
  expect((await stat(join(folder, 'server.json'))).mode & 0o777).toBe(0o600)
})

test('it listens on loopback only and never drops a counter for want of room', async () => {
  const redis = await start({ persistent: false, databases: 3 })
  const settings = await ask(redis.url, (client) =>
    client.configGet(['bind', 'maxmemory-policy', 'databases']),
  )
  expect(settings).toEqual({ bind: '127.0.0.1', 'maxmemory-policy': 'noeviction', databases: '3' })
})

test.skipIf(process.getuid?.() !== 0)('under root it runs as nobody', async () => {
  const redis = await start({ persistent: true })
  expect(await readFile(`/proc/${redis.pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534/m)
})

test('a folder in use is refused, and given back when the server stops', async () => {
  const redis = await start({ persistent: false })
  await expect(start({ persistent: false })).rejects.toThrow('in use by process')
  await redis.stop()
  await start({ persistent: false })
})

test('a machine without a server gets a reason that names the way out', async () => {
  await mkdir(folder)
  const found = findRedisServer(folder)
  if ('reason' in found) expect(found.reason).toMatch(/apt-get install redis-server.*REDIS_URL/)
  await writeFile(join(folder, 'valkey-server'), '#!/bin/sh\n')
  await chmod(join(folder, 'valkey-server'), 0o755)
  expect('command' in findRedisServer(folder)).toBe(true)
})
