/** An evaluation from a shell: started, filled with calls, looked at, cleared, and stopped by Ctrl-C. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adminClient } from '@headgate/admin-contract/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliHome, cliHome } from './run-cli.ts'

const FREE_PORTS = { HEADGATE_PORT: '0', HEADGATE_ADMIN_PORT: '0', HEADGATE_OPS_PORT: '0' }

let home: CliHome
let up: ReturnType<CliHome['start']>
let firstRun: { gateway: string; adminApi: string; adminToken: string }
beforeAll(async () => {
  home = await cliHome()
  up = home.start(['up'], { env: FREE_PORTS })
  await new Promise<void>((ready, failed) => {
    let said = ''
    for (const stream of [up.child.stdout, up.child.stderr])
      stream?.on('data', (piece) => {
        said += piece
        if (said.includes('Headgate is ready')) ready()
      })
    void up.end.then(({ code }) => failed(new Error(`ended with ${code}:\n${said}`)))
  })
  firstRun = JSON.parse(await readFile(join(home.path, '.headgate/first-run.json'), 'utf8'))
}, 120_000)
afterAll(async () => {
  // Killed, it could end nothing of what it has started.
  up.child.kill('SIGTERM')
  await up.end
  await home.remove()
})

test('traffic is made by teams of its own, with keys that end with it, and clear removes all of them', async () => {
  const client = adminClient({ origin: new URL(firstRun.adminApi).origin, token: firstRun.adminToken })
  const teamsBefore = (await client.teams.list()).data.map((one) => one.name)
  const { code, out, err } = await home.cli(['demo', 'traffic', '--calls', '18', '--per-second', '20'])
  expect(code, err).toBe(0)
  const rows = JSON.parse(out) as { team: string; status: number; calls: number }[]
  expect(rows.reduce((sum, row) => sum + row.calls, 0)).toBe(18)
  expect(new Set(rows.map((row) => row.team)).size).toBe(3)
  const served = rows.filter((row) => row.status === 200).reduce((sum, row) => sum + row.calls, 0)
  expect(served).toBe(15)
  expect(rows.some((row) => row.status === 404)).toBe(true)
  const keys = (await client.keys.list({ query: { limit: 200 } })).data.filter((one) =>
    one.name.startsWith('Demo '),
  )
  expect(keys.map((one) => one.state)).toEqual(['revoked', 'revoked', 'revoked'])
  expect(out + err).not.toMatch(/hg_/)
  const cleared = await home.cli(['demo', 'clear'])
  expect(cleared.code, cleared.err).toBe(0)
  expect((await client.teams.list()).data.map((one) => one.name)).toEqual(teamsBefore)
  expect(
    (await client.keys.list({ query: { limit: 200 } })).data.some((one) => one.name.startsWith('Demo ')),
  ).toBe(false)
  expect((await home.cli(['demo', 'clear'])).err).toContain('0 teams')
})

test('where no evaluation runs, nothing is filled and nothing removed', async () => {
  const elsewhere = { env: { HEADGATE_DATA_DIR: join(home.path, 'elsewhere'), HEADGATE_TOKEN: 'x' } }
  for (const command of ['traffic', 'clear']) {
    const { code, err } = await home.cli(['demo', command], elsewhere)
    expect([code, err.includes('headgate up')]).toEqual([1, true])
  }
  expect((await home.cli(['demo', 'traffic', '--calls', '0'])).code).toBe(2)
})

test('what up has started is gone when Ctrl-C has ended it', async () => {
  expect((await fetch(`${firstRun.gateway}/livez`).catch(() => null)) !== null).toBe(true)
  up.child.kill('SIGINT')
  expect((await up.end).code).toBe(130)
  for (const origin of [firstRun.gateway, new URL(firstRun.adminApi).origin])
    expect(await fetch(`${origin}/livez`).catch(() => null)).toBe(null)
}, 60_000)
