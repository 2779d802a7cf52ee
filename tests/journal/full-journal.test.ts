/** A gateway whose disk is full, and one whose journal is somebody else's: neither spends what it cannot record. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../adapters/src/contracts/samples.ts'
import { chatBody, send } from '../gateway/raw-client.ts'
import { openWorld, startMain, startWeak, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld(['usage-1000-500'])
})
afterAll(() => world[Symbol.asyncDispose]())

const call = (origin: string) =>
  send(origin, {
    headers: { authorization: `Bearer ${world.keys.normal}` },
    body: chatBody('usage-1000-500'),
  })

test('on a full disk calls are refused unsent, and served within two seconds of there being room', async () => {
  const folder = await world.newFolder()
  const gateway = await startWeak(world, { folder, weakness: 'none' }, 64)
  const served: string[] = []
  let reply = await call(gateway.origin)
  while (reply.status === 200) {
    served.push(reply.headers['x-request-id'] as string)
    reply = await call(gateway.origin)
  }
  expect(served.length).toBeGreaterThan(20)
  expect(reply.status).toBe(503)
  expect(JSON.parse(reply.body.toString()).error.code).toBe('journal_full')
  expect(reply.headers['x-should-retry']).toBe('true')
  for (let i = 0; i < 5; i++) expect((await call(gateway.origin)).status).toBe(503)
  expect(world.fake.record()).toHaveLength(served.length)
  const ready = await send(gateway.ops, { method: 'GET', path: '/readyz' })
  expect([ready.status, ready.body.toString()]).toEqual([503, expect.stringContaining('journal')])
  expect(gateway.output()).toContain('CANNOT BE WRITTEN')
  execFileSync('prlimit', [`--pid=${gateway.child.pid}`, '--fsize=unlimited'])
  const sinceMs = performance.now()
  await eventually(async () => (await call(gateway.origin)).status === 200, 10_000)
  expect(performance.now() - sinceMs).toBeLessThan(2_000)
  await eventually(
    async () => (await world.records()).filter((it) => it.outcome === 'succeeded').length > served.length,
  )
  const recorded = new Set((await world.records()).map((it) => it.requestId))
  expect(served.filter((id) => !recorded.has(id))).toEqual([])
  expect(await gateway.end('SIGTERM')).toBe(0)
})

test('a second process on the same journal refuses to start, and the first goes on', async () => {
  const folder = await world.newFolder()
  const first = await startMain(world, folder)
  const pid = first.child.pid
  await expect(startMain(world, folder)).rejects.toThrow(`in use by process ${pid}`)
  expect((await call(first.origin)).status).toBe(200)
  await first.end('SIGKILL')
  const next = await startMain(world, folder)
  expect(await next.end('SIGTERM')).toBe(0)
})
