/** What was typed is read as it was meant, or refused with the nearest thing that could have been. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findCommand, readArguments } from './arguments.ts'
import { allCommands } from './commands.ts'
import { type Flag, ownFlag, prefixesOf, readFlag } from './flags.ts'
import { editDistance, nearest } from './nearest.ts'
import { spanOf } from './span.ts'
import { cellText, flatRow, textTable } from './text-table.ts'

const commands = allCommands()
const typed = (...args: string[]) => {
  const { command, rest } = findCommand(commands, args)
  return readArguments(command, rest)
}
const refusal = (...args: string[]) => {
  try {
    typed(...args)
  } catch (fault) {
    return (fault as Error).message
  }
  return null
}

test('flags are read in every spelling', () => {
  const { flags, positionals } = typed(
    'limits',
    'change',
    'lim_1',
    '--no-borrows',
    '--amount=5',
    '-o',
    'json',
  )
  expect(positionals).toEqual(['lim_1'])
  expect(Object.fromEntries(flags)).toEqual({ borrows: ['false'], amount: ['5'], output: ['json'] })
  expect(typed('apps', 'list', '--team-id', 'a').flags.get('team')).toEqual(['a'])
  expect(typed('teams', 'list', '--q', 'a', '-q').flags.get('q')).toEqual(['a'])
  expect(typed('teams', 'show', '--', '-odd-name').positionals).toEqual(['-odd-name'])
})

test('what is unknown, missing or too much is refused with what to do', () => {
  expect(refusal('teems', 'list')).toContain('Did you mean "teams"?')
  expect(refusal('teams', 'lsit')).toContain('Did you mean "teams list"?')
  expect(refusal('teams')).toContain('needs one of: list, create')
  expect(refusal('teams', 'list', '--limt', '5')).toContain('Did you mean "--limit"?')
  expect(refusal('teams', 'list', '--limit')).toContain('--limit needs a value')
  expect(refusal('teams', 'list', '--quiet=yes')).toContain('takes no value')
  expect(refusal('teams', 'show')).toContain('needs <team>')
  expect(refusal('teams', 'show', 'My', 'team')).toContain('quotes')
})

const flag = (more: Partial<Flag>): Flag => ({ ...ownFlag('it', 'text', ''), ...more })

test('values are what the field takes, exactly', () => {
  expect(readFlag(flag({ kind: 'money' }), '12.5')).toBe(12_500_000_000)
  expect(readFlag(flag({ kind: 'money' }), '0.000000001')).toBe(1)
  expect(readFlag(flag({ kind: 'number', isNullable: true }), 'null')).toBe(null)
  expect(readFlag(flag({ kind: 'list' }), 'a, b')).toEqual(['a', 'b'])
  expect(readFlag(flag({ kind: 'data' }), '{at_percent: 80}')).toEqual({ atPercent: 80 })
  for (const text of ['', 'x', '1e999', 'NaN'])
    expect(() => readFlag(flag({ kind: 'number' }), text)).toThrow('number')
  for (const text of ['-1', '1.0000000001', '1,5', ''])
    expect(() => readFlag(flag({ kind: 'money' }), text)).toThrow('money')
  expect(() => readFlag(flag({ choices: ['a', 'b'] }), 'c')).toThrow('one of a, b')
  expect(() => readFlag(flag({ kind: 'data' }), '{a: ')).toThrow('JSON or YAML')
})

test('money as people write it is the same nanos', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9_000_000 }),
      fc.integer({ min: 0, max: 999_999_999 }),
      (units, nanos) => {
        const text = `${units}.${String(nanos).padStart(9, '0')}`
        expect(readFlag(flag({ kind: 'money' }), text)).toBe(units * 1_000_000_000 + nanos)
      },
    ),
    { seed: 1 },
  )
})

test('patterns of ids tell what ids begin with', () => {
  expect(prefixesOf('^team_[0-9A-HJKMNP-TV-Z]{26}$')).toEqual(['team'])
  expect(prefixesOf('^(team|app|usr|key)_[0-9A-HJKMNP-TV-Z]{26}$')).toEqual(['team', 'app', 'usr', 'key'])
  expect(prefixesOf('^[A-Za-z0-9]+$')).toEqual([])
})

test('the distance of words is a distance', () => {
  const word = fc.stringMatching(/^[a-d]{0,6}$/)
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a))
      expect(editDistance(a, b) === 0).toBe(a === b)
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
    }),
    { seed: 1 },
  )
  expect(nearest('lits', ['list', 'show'])).toBe('list')
  expect(nearest('xyzzy', ['list', 'show'])).toBe(null)
})

test('a range ends now and begins when it says', () => {
  const nowMs = Date.parse('2026-03-15T10:00:00Z')
  const from = (range: string) => spanOf(range, nowMs).from
  expect(from('24h')).toBe('2026-03-14T10:00:00.000Z')
  expect(from('2w')).toBe('2026-03-01T10:00:00.000Z')
  expect(from('today')).toBe('2026-03-15T00:00:00.000Z')
  expect(from('mtd')).toBe('2026-03-01T00:00:00.000Z')
  for (const range of ['0d', '5y', '-1h', 'constructor', '']) expect(() => from(range)).toThrow('--range')
})

test('a table fits its terminal, and nothing in a cell can move the cursor', () => {
  const rows = [{ id: 'a', name: 'b', extra: 'c'.repeat(30) }]
  expect(textTable(rows, 20)).toEqual({ text: 'ID  NAME\na   b', leftOut: ['extra'] })
  expect(textTable(rows, 100).leftOut).toEqual([])
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(cellText(text)).not.toMatch(/\p{Cc}/u)
    }),
    { seed: 1 },
  )
})

test('what is nested has columns of its own', () => {
  const group = [{ dimension: 'team', value: 'team_1', name: 'Payments' }]
  expect(flatRow({ group, sums: { calls: 1, tokens: { input: 2 } }, costs: [] })).toEqual({
    ...{ team: 'Payments', 'sums.calls': 1, 'sums.tokens.input': 2, costs: [] },
  })
})
