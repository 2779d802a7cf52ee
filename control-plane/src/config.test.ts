/** Settings: all faults at once, each with its name and the cure, and never a value. */
import { expect, test } from 'vitest'
import { readSettings } from './config.ts'

const good = {
  HEADGATE_ADMIN_TOKEN: 'an-admin-token-for-tests-0123456789',
  HEADGATE_KEY_PEPPER: '0123456789abcdef0123456789abcdef',
  DATABASE_URL: 'postgres://user:password@db.example:5432/headgate',
  REDIS_URL: 'redis://localhost:6379',
}

function faultsOf(environment: Record<string, string>): string[] {
  try {
    readSettings(environment)
  } catch (fault) {
    return (fault as Error).message.split('\n').slice(1)
  }
  return []
}

test('defaults are filled in and the result is frozen', () => {
  const settings = readSettings(good)
  expect(settings).toMatchObject({
    host: '127.0.0.1',
    adminPort: 7401,
    allowLoopbackUpstreams: false,
    drainMs: 120_000,
    usageKeptDays: { records: 90, minute: 7, hour: 400, day: 1_900 },
    logLevel: 'info',
    unknownNames: [],
  })
  expect(Object.isFrozen(settings)).toBe(true)
  expect(readSettings({ ...good, HEADGATE_MODE: 'evaluation' }).allowLoopbackUpstreams).toBe(true)
})

test('all that is missing is named at once; a name set to nothing is missing', () => {
  const names = faultsOf({ HEADGATE_ADMIN_TOKEN: '' }).map((line) => line.trim().split(' ')[0])
  expect(names).toEqual(['HEADGATE_ADMIN_TOKEN', 'HEADGATE_KEY_PEPPER', 'DATABASE_URL', 'REDIS_URL'])
})

test.each([
  ['HEADGATE_ADMIN_TOKEN', 'too-short'],
  ['HEADGATE_ADMIN_TOKEN', 'a'.repeat(40)],
  ['HEADGATE_ADMIN_TOKEN', 'with a blank in it 0123456789 0123456789'],
  ['HEADGATE_KEY_PEPPER', 'tiny'],
  ['HEADGATE_KEY_PEPPER', '0'.repeat(64)],
  ['HEADGATE_ADMIN_PORT', '70000'],
  ['HEADGATE_ADMIN_PORT', 'http'],
  ['HEADGATE_MODE', 'demo'],
  ['HEADGATE_LOG_LEVEL', 'loud'],
  ['DATABASE_URL', 'mysql://user:hunter22222@db/x'],
  ['REDIS_URL', 'localhost:6379'],
])('%s=%s is refused by name, and its value is not repeated', (name, value) => {
  const faults = faultsOf({ ...good, [name]: value })
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(name)
  expect(faults[0]).not.toContain(value)
})

test('names of the other plane pass, names of nobody are told', () => {
  const settings = readSettings({ ...good, HEADGATE_PORT: '7400', HEADGATE_ADMIN_TOKN: 'x', HEADGATE_X: '' })
  expect(settings.unknownNames).toEqual(['HEADGATE_ADMIN_TOKN', 'HEADGATE_X'])
})
