/** The client on every form of Redis there is, and on one that comes and goes. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { ownRedis } from '../../../tests/servers/own-server.ts'
import { askFor, claimOn } from '../contracts/ledger-contract.ts'
import { eventually } from '../contracts/samples.ts'
import { connectRedis, type RedisClient } from './client.ts'
import { redisLedger } from './ledger.ts'
import { findRedisServer } from './local-server.ts'

async function open(url: string, lines: string[] = []): Promise<RedisClient> {
  const log = (level: string, message: string) => void lines.push(`${level}: ${message}`)
  const client = await connectRedis(url, { log, connectWaitMs: 10_000 })
  onTestFinished(() => client.close())
  return client
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A bare Redis process with settings of the test; sentinels need theirs in a file they may write to. */
async function bareRedis(port: number, settings: readonly string[], role: string[] = []): Promise<void> {
  const found = findRedisServer()
  if ('reason' in found) throw new Error(found.reason)
  const folder = await mkdtemp(join(tmpdir(), 'headgate-redis-'))
  const file = join(folder, 'redis.conf')
  await writeFile(file, [`port ${port}`, 'bind 127.0.0.1', ...settings, ''].join('\n'))
  const child = spawn(found.command, [file, ...role], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  await eventually(() => accepts(port), 20_000)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}

describe('the client', () => {
  test('fails at once while Redis is away, says so once, and comes back by itself', async () => {
    const server = await ownRedis()
    onTestFinished(() => server[Symbol.asyncDispose]())
    const lines: string[] = []
    const client = await open(server.current.url, lines)
    expect(client.state()).toBe('ready')
    await server.kill()
    await eventually(() => client.state() === 'away')
    for (let i = 0; i < 50; i++) await expect(client.send('k', ['GET', 'k'])).rejects.toThrow()
    await new Promise((done) => setTimeout(done, 1_000))
    await server.restart()
    await eventually(() => client.state() === 'ready', 10_000)
    expect(await client.send('k', ['SET', 'k', 'v'])).toBe('OK')
    expect(lines.map((line) => line.split(':')[0])).toEqual(['info', 'warn', 'info'])
  })

  test('starts without a Redis and finds it when it comes', async () => {
    const port = await freePort()
    const log = () => {}
    const client = await connectRedis(`redis://127.0.0.1:${port}`, { log, connectWaitMs: 50 })
    onTestFinished(() => client.close())
    expect(client.state()).toBe('away')
    await bareRedis(port, ['save ""'])
    await eventually(() => client.state() === 'ready', 10_000)
  })

  test('replaces a connection that accepts and never answers', async () => {
    let accepted = 0
    const silent = createServer((socket) => {
      accepted += 1
      socket.on('error', () => {})
    })
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const client = await connectRedis(`redis://127.0.0.1:${port}`, { log: () => {}, connectWaitMs: 50 })
    onTestFinished(() => client.close())
    await eventually(() => accepted >= 2, 15_000)
    expect(client.state()).toBe('away')
  })

  test('never writes its password into a log line', async () => {
    const good = new URL(await freshRedisUrl())
    good.password = 'wrong-hunter2-password'
    const lines: string[] = []
    const log = (level: string, message: string) => void lines.push(`${level}: ${message}`)
    const client = await connectRedis(good.href, { log, connectWaitMs: 200 })
    onTestFinished(() => client.close())
    await eventually(() => lines.length > 0)
    expect(lines.join()).toContain('WRONGPASS')
    expect(lines.join()).not.toContain('hunter2')
  })

  test('hears a channel again after a reconnect', async () => {
    const server = await ownRedis()
    onTestFinished(() => server[Symbol.asyncDispose]())
    const client = await open(server.current.url)
    let heard = 0
    client.subscribe('news', () => {
      heard += 1
    })
    const reaches = async () => {
      await client.send('news', ['PUBLISH', 'news', '1']).catch(() => {})
      return heard > 0
    }
    await eventually(reaches)
    await server.kill()
    await server.restart()
    heard = 0
    await eventually(reaches, 15_000)
  })
})

describe('a cluster', () => {
  test('holds limits of many teams, each in its own slot', async () => {
    const port = await freePort()
    await bareRedis(port, ['save ""', 'cluster-enabled yes', 'cluster-require-full-coverage no'])
    const setUp = await open(`redis://127.0.0.1:${port}`)
    await setUp.send('', ['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'])
    await eventually(async () =>
      String(await setUp.send('', ['CLUSTER', 'INFO'])).includes('cluster_state:ok'),
    )
    const client = await open(`redis+cluster://127.0.0.1:${port}`)
    expect(client.clustered).toBe(true)
    const ledger = redisLedger(client, { log: () => {}, deadlineMs: 5_000 })
    onTestFinished(() => ledger.close())
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        ledger.reserve(askFor([claimOn(`{team${i % 9}}:a`, { limit: 4000 }), claimOn(`{team${i % 9}}:b`)])),
      ),
    )
    expect(verdicts.every((it) => it.admitted)).toBe(true)
    let heard = 0
    client.subscribe('news', () => {
      heard += 1
    })
    await eventually(async () => {
      await client.send('news', ['PUBLISH', 'news', '1'])
      return heard > 0
    })
  })
})

describe('sentinels', () => {
  test('lead to the primary', async () => {
    const [primaryPort, sentinelPort] = [await freePort(), await freePort()]
    await bareRedis(primaryPort, ['save ""', 'requirepass pri-mary'])
    const watch = [`sentinel monitor main 127.0.0.1 ${primaryPort} 1`, 'sentinel auth-pass main pri-mary']
    await bareRedis(sentinelPort, watch, ['--sentinel'])
    const client = await open(`redis+sentinel://:pri-mary@127.0.0.1:${sentinelPort}/main`)
    await eventually(() => client.state() === 'ready', 15_000)
    expect(await client.send('k', ['SET', 'k', 'v'])).toBe('OK')
    const ledger = redisLedger(client, { log: () => {}, deadlineMs: 5_000 })
    onTestFinished(() => ledger.close())
    expect((await ledger.reserve(askFor([claimOn('{t}:a')]))).admitted).toBe(true)
  })
})
