/** Requests from a shell: found by filter, watched as they come over breaks of the connection, ended by Ctrl-C. */
import type { ChildProcess } from 'node:child_process'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { idSource } from '@headgate/domain/id'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane, until } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { type CliHome, cliHome } from './run-cli.ts'

const newId = idSource()
let it: TestPlane
let home: CliHome
let count = 0
beforeAll(async () => {
  it = await startTestPlane()
  home = await cliHome({ HEADGATE_URL: it.plane.adminUrl, HEADGATE_TOKEN: ADMIN_TOKEN })
})
afterAll(async () => {
  await home.remove()
  await it.stop()
})

/** Stores a call of now; gives its id. */
async function call(changes: Parameters<typeof usageRecord>[1] = {}): Promise<string> {
  const nowMs = Date.now()
  const requestId = newId('req', nowMs)
  count += 1
  await usageStore(it.db).store([
    { ...usageRecord(count, changes), startedAt: new Date(nowMs).toISOString(), requestId },
  ])
  return requestId
}

/** What a running programme has written so far. */
function heard({ stdout, stderr }: ChildProcess) {
  const said = { out: '', err: '' }
  stdout?.on('data', (piece) => {
    said.out += piece
  })
  stderr?.on('data', (piece) => {
    said.err += piece
  })
  return said
}

test('logs are listed by filter, and what was dear is asked for as money', async () => {
  const dear = await call({ costNanos: 2_500_000_000, totalMs: 9_000 })
  await call()
  const found = await home.cli(['logs', 'list', '--min-cost', '2.5', '--min-total-ms', '9000', '-q'])
  expect([found.code, found.out]).toEqual([0, `${dear}\n`])
  const one = JSON.parse((await home.cli(['logs', 'list', '--request-id', dear])).out)
  expect(one).toMatchObject([
    { request_id: dear, cost_nanos: 2_500_000_000, app: { id: 'app_1', name: null } },
  ])
})

test('the tail tells each request once over a restart of the server, and Ctrl-C ends it with 130', async () => {
  const port = Number(new URL(it.plane.adminUrl).port)
  const { child, end } = home.start(['logs', 'tail', '--outcome', 'refused', '-o', 'ndjson'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = heard(child)
  await until(() => said.err.includes('Waiting for requests'), 'the stream to be open')
  const before = await call({ outcome: 'refused', status: 429, errorCode: 'limit_requests' })
  await call()
  await until(() => said.out.includes(before), 'the first')
  await it.stop()
  await until(() => said.err.includes('Connecting anew'), 'the break to be told of')
  it = await startTestPlane({ databaseUrl: it.databaseUrl, config: { adminPort: port } })
  const after = await call({ outcome: 'refused', status: 429, errorCode: 'limit_requests' })
  await until(() => said.out.includes(after), 'the one after the break')
  child.kill('SIGINT')
  expect((await end).code).toBe(130)
  const told = said.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).request_id)
  expect(told).toEqual([before, after])
})

test('on a terminal it is a line for each, and forms that need an end are refused', async () => {
  const { child, end } = home.start(['logs', 'tail', '-o', 'table'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = heard(child)
  await until(() => said.err.includes('Waiting for requests'), 'the stream to be open')
  const id = await call({ costNanos: null, costState: 'unknown', currency: null, priceId: null })
  await until(() => said.out.includes(id), 'it')
  child.kill('SIGTERM')
  expect((await end).code).toBe(130)
  expect(said.out).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} {2}200 {2}succeeded .*team_\d\/app_1 .* 100 ms .*cost unknown {2}req_\w{26}\n$/,
  )
  const csv = await home.cli(['logs', 'tail', '-o', 'csv'])
  expect([csv.code, csv.out]).toEqual([2, ''])
})

test('a tail that can never begin ends at once, and says why', async () => {
  const gone = await home.cli(['logs', 'tail', '--server', 'http://127.0.0.1:9'])
  expect([gone.code, gone.out]).toEqual([1, ''])
  const stranger = await home.cli(['logs', 'tail'], { env: { HEADGATE_TOKEN: 'none-of-ours' } })
  expect(stranger.code).toBe(4)
  const odd = await home.cli(['logs', 'tail', '--after', 'abc'])
  expect([odd.code, odd.err.includes('?after')]).toEqual([2, true])
})
