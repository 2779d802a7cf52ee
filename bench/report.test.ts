// Shows that the report gives ratios and added latency per round, and no figures for runs that were not clean.
import { expect, test } from 'vitest'
import { type Report, reportText } from './report.ts'
import type { Taken } from './rounds.ts'
import { latencyOf, measureNamed, outcomeOf, takenOf } from './sample-runs.ts'

const json = measureNamed('JSON 1.5 KB, 64')
const open = measureNamed('JSON 1.5 KB, open loop at 100/s')
const sse = measureNamed('SSE, 200 streams, 40')

function textOf(runs: readonly Taken[]): string {
  const report: Report = {
    machine: {
      date: '2026-01-02 03:04 UTC',
      commit: 'abcdef0123',
      cpu: 'Some CPU',
      cores: 2,
      memoryGib: 8,
      kernel: '6.1',
      node: 'v24.0.0',
      loadAverage: '0.10 0.20 0.30',
      ticksPerSecond: 100,
    },
    loadAfter: '0.90 0.50 0.40',
    tools: 'own (Node)',
    rounds: 2,
    seconds: 1,
    about: ['nginx/1.22.1'],
    notes: ['something is missing'],
    runs,
  }
  return reportText(report)
}

function cellsOf(text: string, ...begin: string[]): string[] {
  const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return rows.find((cells) => begin.every((it) => cells.includes(it)))?.slice(1, -1) ?? []
}

const run = (measure: Taken['measure'], candidate: string, round: number, outcome: Taken['outcome']) =>
  takenOf({ measure, candidate, round, outcome })

test('cost stands beside its ratio to nginx in the same round', () => {
  const text = textOf([
    run(json, 'nginx', 0, outcomeOf({ gatewaySeconds: 0.02 })),
    run(json, 'headgate', 0, outcomeOf({ gatewaySeconds: 0.06 })),
    run(json, 'nginx', 1, outcomeOf({ gatewaySeconds: 0.04 })),
    run(json, 'headgate', 1, outcomeOf({ gatewaySeconds: 0.08 })),
  ])
  expect(cellsOf(text, 'headgate').slice(2)).toEqual([
    ...['1000 (1000–1000)', '70.0 (60.0–80.0)', '2.50 (2.00–3.00)', '0.99 (0.99–0.99)'],
    ...['0', '0', '0', '2'],
  ])
})

test('a row with faults shows them and no figure, and a faulty nginx gives nobody a ratio', () => {
  const text = textOf([
    run(json, 'nginx', 0, outcomeOf({ gatewaySeconds: 0.02, load: { non2xx: 7 } })),
    run(json, 'headgate', 0, outcomeOf({ gatewaySeconds: 0.06 })),
  ])
  expect(cellsOf(text, 'nginx').slice(2)).toEqual(['void', '', '', '', '0', '7', '0', '1'])
  expect(cellsOf(text, 'headgate').slice(2, 5)).toEqual(['1000', '60.0', '–'])
})

test('latency is what a run added over the direct run beside it', () => {
  const straight = (round: number, latency: ReturnType<typeof latencyOf>) => ({
    ...run(open, 'direct', round, outcomeOf({ gatewayShare: 0, load: { latency } })),
    pairedWith: 'headgate',
  })
  const text = textOf([
    straight(0, latencyOf(200, 400, 900)),
    run(open, 'headgate', 0, outcomeOf({ load: { latency: latencyOf(700, 1400, 2900) } })),
    straight(1, latencyOf(300, 500, 1000)),
    run(open, 'headgate', 1, outcomeOf({ load: { latency: latencyOf(900, 1700, 4000) } })),
  ])
  expect(cellsOf(text, 'headgate').slice(2, 6)).toEqual([
    ...['0.55 (0.50–0.60)', '1.10 (1.00–1.20)', '2.50 (2.00–3.00)', '0.80 / 1.55 / 3.45'],
  ])
})

test('streams are counted by chunk, and a first byte nobody saw is a dash', () => {
  const chunkTransit = latencyOf(150, 0, 2500)
  const text = textOf([run(sse, 'headgate', 0, outcomeOf({ gatewaySeconds: 0.04, load: { chunkTransit } }))])
  expect(cellsOf(text, 'headgate').slice(2, 9)).toEqual(['2000', '20.0', '–', '0.99', '–', '0.15', '2.50'])
})

test('a core the loader could not fill is said, since the ratio then flatters', () => {
  const text = textOf([run(json, 'nginx', 0, outcomeOf({ gatewaySeconds: 0.02, gatewayShare: 0.6 }))])
  expect(text).toContain('could not fill nginx (core 0 used 0.60)')
})

test('a row without an undisturbed run says so, and discarded runs are counted at the top', () => {
  const text = textOf([{ ...run(json, 'nginx', 0, null), discarded: ['others', 'others', 'others'] }])
  expect(cellsOf(text, 'nginx')[2]).toBe('all disturbed')
  expect(text).toContain('0 of 1 runs kept, 3 discarded')
})

test('commit, date, machine, load and what was missing stand above the tables', () => {
  const text = textOf([])
  for (const part of [
    '2026-01-02 03:04 UTC, commit abcdef0123',
    'Some CPU, 2 cores',
    '0.10 0.20 0.30',
    'missing',
  ]) {
    expect(text).toContain(part)
  }
})
