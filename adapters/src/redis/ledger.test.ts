/** What the Redis ledger does when Redis forgets, freezes, dies or is slow. */
import { GatewayError } from '@headgate/domain/gateway-error'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { type OwnServer, ownRedis } from '../../../tests/servers/own-server.ts'
import { askFor, claimOn, newBucket, usedOf } from '../contracts/ledger-contract.ts'
import { eventually } from '../contracts/samples.ts'
import { connectRedis, type RedisClient } from './client.ts'
import { redisLedger } from './ledger.ts'
import { ledgerWithFallback } from './ledger-with-fallback.ts'
import type { LocalRedis } from './local-server.ts'

const clock = { monotonicMs: () => performance.now() }

async function open(url: string, deadlineMs = 5_000, lines: string[] = []) {
  const log = (_level: string, message: string) => void lines.push(message)
  const client = await connectRedis(url, { log, connectWaitMs: 5_000 })
  const ledger = redisLedger(client, { log, deadlineMs })
  onTestFinished(async () => {
    ledger.close()
    await client.close()
  })
  return { client, ledger, lines }
}

async function ownServer(): Promise<OwnServer<LocalRedis>> {
  const server = await ownRedis()
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

/** Stops the server's process where it stands; it accepts connections and answers nothing. */
function freeze(server: OwnServer<LocalRedis>): () => void {
  const { pid } = server.current
  process.kill(pid, 'SIGSTOP')
  const thaw = () => void process.kill(pid, 'SIGCONT')
  onTestFinished(thaw)
  return thaw
}

/** The refusal of a reservation that must fail. */
async function refusalOf(promise: Promise<unknown>): Promise<GatewayError> {
  const fault = await promise.then(
    () => new Error('it was answered'),
    (thrown) => thrown,
  )
  expect(fault).toBeInstanceOf(GatewayError)
  return fault
}

describe('the Redis ledger', () => {
  test('judges on although Redis has forgotten the scripts', async () => {
    const { client, ledger } = await open(await freshRedisUrl())
    const claim = claimOn(newBucket(), { unit: 'tokens', limit: 400 })
    const asks = [askFor([claim], 10), askFor([claim], 10), askFor([claim], 10)] as const
    await ledger.reserve(asks[0])
    await client.send('any', ['SCRIPT', 'FLUSH'])
    const verdicts = await Promise.all([ledger.reserve(asks[1]), ledger.reserve(asks[2])])
    expect(verdicts.map((it) => it.admitted)).toEqual([true, true])
    await client.send('any', ['SCRIPT', 'FLUSH'])
    for (const ask of asks) ledger.settle(ask, usedOf(0))
    await eventually(async () => (await ledger.look([claim]))[0]?.remaining === 100)
    expect(ledger.lostEnds()).toBe(0)
  })

  test('leaves no key behind once a bucket is full again', async () => {
    const { client, ledger } = await open(await freshRedisUrl())
    const claim = claimOn(newBucket(), { unit: 'tokens', limit: 10, windowMs: 300 })
    const keys = async () => ((await client.send('any', ['KEYS', '*'])) as string[]).length
    const ask = askFor([claim], 2)
    await ledger.reserve(ask)
    expect(await keys()).toBe(3)
    ledger.settle(ask, usedOf(2))
    await eventually(async () => (await keys()) === 0)
  })

  test('closes with its last settlements sent', async () => {
    const url = await freshRedisUrl()
    const { ledger: other } = await open(url)
    const claim = claimOn(newBucket(), { unit: 'tokens', limit: 4000, windowMs: 6_000_000 })
    const client = await connectRedis(url, { log: () => {} })
    const ledger = redisLedger(client, { log: () => {}, deadlineMs: 5_000 })
    const ask = askFor([claim], 1000)
    await ledger.reserve(ask)
    ledger.settle(ask, usedOf(0))
    ledger.close()
    await client.close()
    expect((await other.look([claim]))[0]?.remaining).toBe(1000)
  })

  test('starts a bucket afresh whose content makes no sense', async () => {
    const { client, ledger } = await open(await freshRedisUrl())
    await client.send('hg:{t}:x', ['SET', 'hg:{t}:x', 'not a number'])
    await client.send('hg:{t}:y', ['RPUSH', 'hg:{t}:y', 'a list'])
    for (const bucket of ['{t}:x', '{t}:y']) {
      expect((await ledger.reserve(askFor([claimOn(bucket)]))).states[0]?.remaining).toBe(14)
      const window = claimOn(`${bucket}:w`, { kind: 'window' })
      await client.send('hg:{t}:x', ['RPUSH', `hg:${bucket}:w`, 'a list'])
      expect((await ledger.reserve(askFor([window]))).states[0]?.remaining).toBe(59)
    }
  })
})

describe('a frozen Redis', () => {
  test('refuses every call near its deadline, then at once, and judges again after the thaw', async () => {
    const server = await ownServer()
    const { ledger, lines } = await open(server.current.url, 50)
    const claim = claimOn(newBucket(), { limit: 4_000_000 })
    await eventually(() =>
      ledger.reserve(askFor([claim])).then(
        (it) => it.admitted,
        () => false,
      ),
    )
    const thaw = freeze(server)
    const startedMs = performance.now()
    const refusal = await refusalOf(ledger.reserve(askFor([claim])))
    expect(refusal.code).toBe('limiter_unavailable')
    expect(refusal.detail.retryAfterMs).toBe(1000)
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    while (ledger.isAvailable()) await refusalOf(ledger.reserve(askFor([claim])))
    const openedMs = performance.now()
    for (let i = 0; i < 200; i++) await refusalOf(ledger.reserve(askFor([claim])))
    expect(performance.now() - openedMs).toBeLessThan(1_000)
    thaw()
    await eventually(
      () =>
        ledger.reserve(askFor([claim])).then(
          (it) => it.admitted,
          () => false,
        ),
      10_000,
    )
    expect(ledger.isAvailable()).toBe(true)
    expect(lines.filter((line) => line.includes('does not ask'))).toHaveLength(1)
  })

  test('what an answer that came too late had taken is given back', async () => {
    const server = await ownServer()
    const { ledger } = await open(server.current.url, 50)
    const claim = claimOn(newBucket(), { unit: 'tokens', limit: 4000, windowMs: 6_000_000 })
    const probe = () =>
      ledger.look([claim]).then(
        (it) => it[0]?.remaining,
        () => -1,
      )
    await eventually(async () => (await probe()) === 1000)
    const thaw = freeze(server)
    await refusalOf(ledger.reserve(askFor([claim], 1000)))
    thaw()
    await eventually(async () => (await probe()) === 1000)
  })

  test('with the fallback, calls are judged on a share of the limit and then in Redis again', async () => {
    const server = await ownServer()
    const { ledger: shared } = await open(server.current.url, 50)
    const changes: string[] = []
    const ledger = ledgerWithFallback({
      shared,
      clock,
      expectedInstances: 2,
      onChange: (to) => changes.push(to),
    })
    const claim = claimOn(newBucket(), { limit: 6000 })
    await eventually(
      async () => (await ledger.reserve(askFor([claim]))).admitted && ledger.state() === 'shared',
    )
    changes.length = 0
    const thaw = freeze(server)
    expect(await ledger.reserve(askFor([claim]))).toMatchObject({ admitted: true })
    expect(ledger.state()).toBe('local')
    thaw()
    await eventually(async () => {
      await ledger.reserve(askFor([claim]))
      return ledger.state() === 'shared'
    }, 10_000)
    expect(changes.slice(0, 2)).toEqual(['local', 'shared'])
  })
})

describe('a Redis that dies', () => {
  test('is an instant refusal, and a new one is used without being told', async () => {
    const server = await ownServer()
    const { client, ledger } = await open(server.current.url)
    const claim = claimOn(newBucket(), { limit: 4_000_000 })
    expect((await ledger.reserve(askFor([claim]))).admitted).toBe(true)
    await server.kill()
    await eventually(() => client.state() === 'away')
    const startedMs = performance.now()
    for (let i = 0; i < 100; i++) await refusalOf(ledger.reserve(askFor([claim])))
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    await server.restart()
    await eventually(
      () =>
        ledger.reserve(askFor([claim])).then(
          (it) => it.admitted,
          () => false,
        ),
      15_000,
    )
  })

  test('a call to a closed client is refused and not left waiting', async () => {
    const client: RedisClient = await connectRedis(await freshRedisUrl(), { log: () => {} })
    const ledger = redisLedger(client, { log: () => {} })
    await client.close()
    expect((await refusalOf(ledger.reserve(askFor([claimOn(newBucket())])))).code).toBe('limiter_unavailable')
  })
})
