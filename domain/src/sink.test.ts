/** The state of a sink is the worst that is true of it. */
import { expect, test } from 'vitest'
import { type SinkSigns, sinkStateOf } from './sink.ts'

const well: SinkSigns = {
  ...{ idleSeconds: 1, lagSeconds: 0, missed: 0, backfill: null },
  ...{ lastErrorAt: null, lastSuccessAt: '2026-11-01T00:00:00Z' },
}
const backfill = {
  ...{ from: '2026-10-01T00:00:00Z', until: '2026-11-01T00:00:00Z', at: null, records: 0 },
  isDone: false,
}

test.each<[string, Partial<SinkSigns>]>([
  ['running', {}],
  ['running', { backfill: { ...backfill, isDone: true } }],
  ['running', { lastErrorAt: '2026-10-31T23:59:59Z' }],
  ['running', { lagSeconds: 900 }],
  ['backfilling', { backfill }],
  ['incomplete', { backfill, missed: 1 }],
  ['lagging', { backfill, missed: 1, lagSeconds: 901 }],
  ['failing', { lagSeconds: 901, missed: 1, lastErrorAt: '2026-11-01T00:00:00.001Z' }],
  ['failing', { lastErrorAt: '2026-10-31T00:00:00Z', lastSuccessAt: null }],
  ['stopped', { idleSeconds: 301, lastErrorAt: '2026-11-02T00:00:00Z' }],
  ['stopped', { idleSeconds: null }],
])('%s: %o', (state, changes) => {
  expect(sinkStateOf({ ...well, ...changes }, 900)).toBe(state)
})
