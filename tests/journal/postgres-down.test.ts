/** Postgres away under load: callers notice nothing, and afterwards every call is there, to the last nano. */

import { createServer, type Server } from 'node:net'
import { migrate } from '@headgate/control-plane/database/migrate'
import { expect, test } from 'vitest'
import { eventually } from '../../adapters/src/contracts/samples.ts'
import { chatBody, send } from '../gateway/raw-client.ts'
import { ownPostgres } from '../servers/own-server.ts'
import { rounds } from '../servers/rounds.ts'
import { openWorld, segmentsIn, startWeak } from './world.ts'

const CALLS_PER_SECOND = 100
const AWAY_S = rounds(2)

test('while Postgres is away calls go on, and later all of them are there, with equal sums', async ({
  annotate,
}) => {
  await using postgres = await ownPostgres()
  const databaseUrl = postgres.current.url
  await migrate(databaseUrl, () => {})
  await using world = await openWorld([], { databaseUrl })
  const folder = await world.newFolder()
  const gateway = await startWeak(world, { folder, weakness: 'none' })
  const request = { headers: { authorization: `Bearer ${world.keys.normal}` }, body: chatBody('gpt-4o') }
  expect((await send(gateway.origin, request)).status).toBe(200)
  await postgres.kill()
  const holder = await portHeld(Number(new URL(databaseUrl).port))
  const replies: Promise<number>[] = []
  for (let i = 0; i < AWAY_S * CALLS_PER_SECOND; i++) {
    replies.push(send(gateway.origin, request).then((it) => it.status))
    await new Promise((done) => setTimeout(done, 1000 / CALLS_PER_SECOND))
  }
  expect(new Set(await Promise.all(replies))).toEqual(new Set([200]))
  await new Promise((done) => holder.close(done))
  await postgres.restart()
  const sinceMs = performance.now()
  const served = world.fake.record()
  await eventually(async () => (await world.count()) === served.length, 240_000)
  const perSecond = Math.round(served.length / ((performance.now() - sinceMs) / 1000))
  await annotate(`${served.length} records there, ${perSecond} a second, after ${AWAY_S} s without Postgres`)
  const records = await world.records()
  const sum = (of: (it: (typeof records)[number]) => number) => records.reduce((all, it) => all + of(it), 0)
  const billed = (of: (it: (typeof served)[number]['billed']) => number) =>
    served.reduce((all, it) => all + of(it.billed), 0)
  expect(sum((it) => it.tokens.input)).toBe(billed((it) => it.prompt))
  expect(sum((it) => it.tokens.output)).toBe(billed((it) => it.completion))
  expect(sum((it) => it.costNanos ?? Number.NaN)).toBe(
    billed((it) => it.prompt * 2500 + it.completion * 10_000),
  )
  expect(await gateway.end('SIGTERM')).toBe(0)
  expect(await segmentsIn(folder)).toEqual([])
})

/** In the place of a server that is away, so that nobody takes its port meanwhile; answers nothing. */
function portHeld(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
