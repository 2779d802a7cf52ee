/** Sinks from the shell: what they refused, by the name of the sink, and what cannot be undone. */
import { findCommand } from '@headgate/cli/arguments'
import type { OperationCommand, Run } from '@headgate/cli/command'
import { allCommands } from '@headgate/cli/commands'
import { confirm } from '@headgate/cli/confirm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane } from '../admin/harness.ts'
import { type CliHome, cliHome } from './run-cli.ts'

const SINK_ID = 'snk_01KB2ZJ8Q6TB1F3M7Y5N0XWVRC'
const entry = (nth: number) => `req_01KB2ZJ8Q6TB1F3M7Y5N0XWVR${nth}-1`

let it: TestPlane
let home: CliHome
beforeAll(async () => {
  it = await startTestPlane()
  home = await cliHome({ HEADGATE_URL: it.plane.adminUrl, HEADGATE_TOKEN: ADMIN_TOKEN })
  const at = '2026-11-27T10:00:00.000Z'
  const place = { fromAt: null, lagSecondsMax: 900, position: 0, positionAt: at, createdAt: at }
  await it.db
    .insertInto('usageSinks')
    .values({ id: SINK_ID, name: 'cosmos', kind: 'cosmos', target: 'memory/x', ...place, putAside: 3 })
    .execute()
  const rows = [1, 2, 3].map((nth) => ({
    entryId: entry(nth),
    sinkId: SINK_ID,
    reason: 'too large',
    startedAt: at,
  }))
  await it.db.insertInto('usageSinkRefusals').values(rows).execute()
})
afterAll(async () => {
  await home.remove()
  await it.stop()
})

async function cli(...args: string[]) {
  const { code, out, err } = await home.cli(args)
  expect(code, err).toBe(0)
  return out
}

test('what a sink refused is listed, tried again and forgotten, the sink named as people know it', async () => {
  expect((await cli('sinks', 'refusals', 'cosmos', '-q')).trim().split('\n')).toEqual([3, 2, 1].map(entry))
  const [first] = JSON.parse(await cli('sinks', 'refusals', 'cosmos', '--limit', '1'))
  expect(first).toMatchObject({ id: entry(3), reason: 'too large', tries: 1, retry_asked_at: null })
  expect(JSON.parse(await cli('sinks', 'retry', 'cosmos', '--ids', `${entry(1)},${entry(2)}`))).toEqual({
    entries: 2,
  })
  expect(JSON.parse(await cli('sinks', 'retry-all', 'cosmos'))).toEqual({ entries: 1 })
  const unasked = await home.cli(['sinks', 'forget-refusals', 'cosmos', '--ids', 'null'])
  expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining('cannot be undone')])
  const one = await cli('sinks', 'forget-refusals', 'cosmos', '--ids', entry(1), '--yes')
  expect(JSON.parse(one)).toEqual({ entries: 1 })
  expect(JSON.parse(await cli('sinks', 'show', 'cosmos'))).toMatchObject({ put_aside: 2, state: 'stopped' })
  const neither = await home.cli(['sinks', 'retry', 'cosmos'])
  expect([neither.code, neither.err]).toEqual([expect.any(Number), expect.stringContaining('--ids')])
  expect(neither.code).not.toBe(0)
})

test('whoever is asked before is not held to figures that move by themselves', async () => {
  const asking = (answer: string): Run =>
    ({
      ...{ io: { canAsk: true, ask: async () => answer, say: () => {} }, has: () => false },
      client: () => it.client,
    }) as never
  const forget = findCommand(allCommands(), ['sinks', 'forget']).command as OperationCommand
  const input = { params: { sinkId: SINK_ID } } as never
  expect(await confirm(forget, input, asking('cosmos'))).toBeUndefined()
  await expect(confirm(forget, input, asking('another'))).rejects.toThrow('nothing was done')
  const { id: teamId } = await it.client.teams.create({ body: { name: 'Payments' } })
  const remove = findCommand(allCommands(), ['teams', 'remove']).command as OperationCommand
  expect(await confirm(remove, { params: { teamId } } as never, asking('Payments'))).toMatch(/^"/)
})

test('a sink that nobody feeds is forgotten', async () => {
  expect(JSON.parse(await cli('sinks', 'forget', 'cosmos', '--yes'))).toMatchObject({ id: SINK_ID })
  expect(JSON.parse(await cli('sinks', 'list'))).toEqual([])
})
