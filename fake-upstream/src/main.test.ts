/**
 * The fake run alone, as its own process.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

test('it prints its address, answers, and ends cleanly on SIGTERM', async () => {
  const child = spawn(process.execPath, [MAIN, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const origin = /http:\S+/.exec(line.toString())?.[0]
    expect((await fetch(`${origin}/__health`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
})

test('all faults of the settings are reported together', () => {
  expect(() => readConfig(['--port', '99999', '--speed', 'fast'], { FAKE_UPSTREAM_RECORD_MAX: '0' })).toThrow(
    /--port .*99999[\s\S]*--speed .*fast[\s\S]*--record-max/,
  )
  expect(readConfig([], { FAKE_UPSTREAM_PORT: '1234' }).options).toEqual({ port: 1234 })
  expect(readConfig(['--port', '0', '--speed', 'Infinity', '--api-key', 'k'], {}).options).toEqual({
    port: 0,
    speed: Number.POSITIVE_INFINITY,
    apiKey: 'k',
  })
})
