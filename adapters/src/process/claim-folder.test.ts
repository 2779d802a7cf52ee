import { spawn } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimFolder, livingOwner, stopLeftOvers } from './claim-folder.ts'

let folder = ''

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'headgate-claim-')))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a folder can be held by one process at a time, and the other is named', async () => {
  const release = await claimFolder(folder)
  expect(livingOwner(folder)).toBe(process.pid)
  await expect(claimFolder(folder)).rejects.toThrow(`in use by process ${process.pid}`)
  await release()
  expect(livingOwner(folder)).toBeNull()
  await (await claimFolder(folder))()
})

test('the claim of a dead process does not count', async () => {
  const child = spawn('sleep', ['0'])
  await new Promise((done) => child.once('exit', done))
  await writeFile(join(folder, 'owner'), `${child.pid} 12345 boot\n`)
  await (await claimFolder(folder))()
})

test('the claim of an earlier process whose id came round again does not count', async () => {
  await writeFile(join(folder, 'owner'), `${process.pid} 1 another-boot\n`)
  expect(livingOwner(folder)).toBeNull()
  await (await claimFolder(folder))()
})

test('a left-over server in the folder is ended, another program there is left alone', async () => {
  const sleeper = spawn('sleep', ['600'], { cwd: folder })
  const ended = new Promise((done) => sleeper.once('exit', (_code, signal) => done(signal)))
  await new Promise((done) => sleeper.once('spawn', done))
  expect(await stopLeftOvers(folder, ['postgres'], 'SIGTERM')).toBe(0)
  expect(await stopLeftOvers(folder, ['sleep'], 'SIGTERM')).toBe(1)
  expect(await ended).toBe('SIGTERM')
})

test('a folder that is not there has no left-over servers', async () => {
  expect(await stopLeftOvers(join(folder, 'none'), ['sleep'], 'SIGTERM')).toBe(0)
})
