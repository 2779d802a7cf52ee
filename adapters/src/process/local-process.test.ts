import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LocalProcessPlan, startLocalProcess } from './local-process.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-process-'))
  await chmod(folder, 0o777)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function shell(script: string, more: Partial<LocalProcessPlan> = {}): LocalProcessPlan {
  return {
    name: 'Shell',
    command: '/bin/sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin' },
    workingDir: folder,
    logPath: join(folder, 'log'),
    stopSignals: ['SIGTERM'],
    isReady: async () => existsSync(join(folder, 'ready')),
    readyTimeoutMs: 10_000,
    ...more,
  }
}

test('it is ready when it says so, and stopping it twice is as good as once', async () => {
  const running = await startLocalProcess(shell('touch ready; exec sleep 600'))
  expect(() => process.kill(running.pid, 0)).not.toThrow()
  await Promise.all([running.stop(), running.stop()])
  expect(() => process.kill(running.pid, 0)).toThrow('ESRCH')
})

test('a process that ends before it is ready is reported with its last words', async () => {
  const start = startLocalProcess(shell('echo the disk is full >&2; exit 3'))
  await expect(start).rejects.toThrow(/Shell ended with exit code 3[\s\S]*the disk is full/)
})

test('a program that does not exist is reported as such', async () => {
  const start = startLocalProcess(shell('', { command: '/no/such/program' }))
  await expect(start).rejects.toThrow(/Shell could not be started: .*ENOENT/)
})

test('a process that never gets ready is given up and ended', async () => {
  const start = startLocalProcess(shell('exec sleep 600', { readyTimeoutMs: 50 }))
  await expect(start).rejects.toThrow('not ready within 0.05 s')
})

test('a death nobody asked for is announced', async () => {
  const running = await startLocalProcess(shell('touch ready; exec sleep 600'))
  process.kill(running.pid, 'SIGKILL')
  expect(await running.died).toContain('Shell was ended by SIGKILL')
  await running.stop()
})

test('what it reads as its input is what it was given', async () => {
  const running = await startLocalProcess(
    shell('cat > said; touch ready; exec sleep 600', { input: 'a secret' }),
  )
  await running.stop()
  expect(await readFile(join(folder, 'said'), 'utf8')).toBe('a secret')
})
