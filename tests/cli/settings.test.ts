/** Settings of the organisation by the CLI: what a shorter retention would delete is said before it is. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { type CliHome, cliHome } from './run-cli.ts'

const DAY_MS = 86_400_000

let it: TestPlane
let home: CliHome
beforeAll(async () => {
  it = await startTestPlane({ config: { fixedSettings: {} } })
  home = await cliHome({ HEADGATE_URL: it.plane.adminUrl, HEADGATE_TOKEN: ADMIN_TOKEN })
  const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()
  await usageStore(it.db).store([60, 50].map((days, n) => usageRecord(n, { startedAt: ago(days) })))
})
afterAll(async () => {
  await home.remove()
  await it.stop()
})

const kept = async () => (await it.client.settings.read({ params: { name: 'keep_records_days' } })).value

test('a shorter retention says what it would delete, is not chosen unasked, and is with --yes', async () => {
  const set = ['settings', 'set', 'keep_records_days', '--value', '55']
  const unasked = await home.cli(set)
  expect([unasked.code, unasked.out]).toEqual([2, ''])
  expect(unasked.err).toMatch(
    /usage records of \d+ days? would be deleted, from .*: 1 in all, and .* say --yes/,
  )
  const rehearsed = await home.cli([...set, '--dry-run'])
  expect([rehearsed.code, rehearsed.out]).toEqual([6, ''])
  expect(rehearsed.err).toContain('1 in all')
  expect(await kept()).toBe(90)
  const done = await home.cli([...set, '--yes'])
  expect([done.code, JSON.parse(done.out).value]).toEqual([0, 55])
})

test('the file asks for the same leave', async () => {
  const path = join(home.path, 'headgate.yaml')
  await writeFile(path, 'version: 1\nsettings: [{ name: keep_records_days, value: 40 }]\n')
  const before = await kept()
  const unasked = await home.cli(['config', 'apply', path])
  expect([unasked.code, await kept()]).toEqual([2, before])
  expect(unasked.err).toContain('usage records')
  const done = await home.cli(['config', 'apply', path, '--yes'])
  expect([done.code, done.err, await kept()]).toEqual([0, expect.stringContaining('1 steps are done'), 40])
})
