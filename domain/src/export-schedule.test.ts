/** Times of schedules come once each, in their order, in every zone; what they cover is whole and without gaps. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../tests/servers/rounds.ts'
import { coveredAt, MADE_UP_MAX, nextTimeMs, timesDue } from './export-schedule.ts'

const iso = (ms: number) => new Date(ms).toISOString()

test('a month in Berlin is made an hour after midnight there, of the month before, whatever the clocks do', () => {
  const times = { every: 'month', covers: 'month', timeZone: 'Europe/Berlin', delayMinutes: 60 } as const
  const due = nextTimeMs(times, Date.parse('2026-03-15T00:00:00Z'))
  expect(iso(due)).toBe('2026-03-31T23:00:00.000Z')
  expect(coveredAt(times, due)).toEqual({ from: '2026-02-28T23:00:00.000Z', to: '2026-03-31T22:00:00.000Z' })
  expect(iso(nextTimeMs(times, due))).toBe('2026-04-30T23:00:00.000Z')
})

test('of very many missed times the latest are made up for', () => {
  const times = { every: 'day', timeZone: 'UTC', delayMinutes: 0 } as const
  const [from, now] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-03-01T12:00:00Z')]
  const due = timesDue(times, from, now)
  expect([due.length, iso(due.at(-1) ?? 0)]).toEqual([MADE_UP_MAX, '2026-03-01T00:00:00.000Z'])
  expect(timesDue(times, now, now - 1)).toEqual([])
})

test('times move on, never back or twice, and days that are covered follow one another', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/Sao_Paulo',
    'Pacific/Apia',
    'Australia/Lord_Howe',
  )
  const times = fc.record({
    every: fc.constantFrom('day', 'week', 'month'),
    timeZone: zones,
    delayMinutes: fc.integer({ min: 0, max: 22 * 60 }),
  })
  const start = fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2035, 0, 1) })
  fc.assert(
    fc.property(times, start, (it, startMs) => {
      let [atMs, to] = [startMs, null as string | null]
      for (let i = 0; i < 5; i++) {
        const next = nextTimeMs(it, atMs)
        expect(next).toBeGreaterThan(atMs)
        // Whoever asks a moment later, before it has come, is told the same.
        expect(nextTimeMs(it, next - 1)).toBe(next)
        const covered = coveredAt({ covers: it.every, timeZone: it.timeZone }, next)
        if (to !== null) expect(covered.from).toBe(to)
        expect(Date.parse(covered.to)).toBeLessThanOrEqual(next)
        ;[atMs, to] = [next, covered.to]
      }
    }),
    { numRuns: rounds(300) },
  )
})
