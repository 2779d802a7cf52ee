// Shows that what others used is told apart from what the bench used, and when a run is thrown away for it.
import { expect, test } from 'vitest'
import { disturbance, type Sample, useBetween } from './neighbours.ts'

const BENCH = 100
const GATEWAY = 200

/** A sample in which bench, gateway and the cores have these ticks. */
function sample(
  atSeconds: number,
  it: { bench: number; gateway: number; busy: [number, number]; stolen?: number },
): Sample {
  const stat = (pid: number, parentPid: number, ownTicks: number) => ({
    pid,
    parentPid,
    ownTicks,
    reapedTicks: 0,
  })
  return {
    atNanos: atSeconds * 1e9,
    processes: [stat(BENCH, 1, it.bench), stat(GATEWAY, BENCH, it.gateway), stat(300, 1, 999)],
    cores: it.busy.map((busy) => ({ busy, idle: 0, stolen: it.stolen ?? 0 })),
  }
}

const pids = { gateway: GATEWAY, bench: BENCH, ticksPerSecond: 100 }
const start = sample(10, { bench: 50, gateway: 500, busy: [1000, 2000] })

test('an undisturbed run gives the whole core to the gateway and none to others', () => {
  const use = useBetween(start, sample(12, { bench: 200, gateway: 690, busy: [1190, 2150] }), pids)
  expect(use).toEqual({
    gatewaySeconds: 1.9,
    gatewayShare: 0.95,
    loadShare: 0.75,
    neighbourShare: { gatewayCore: 0, loadCore: 0 },
  })
  expect(disturbance(use, true)).toBeNull()
})

test('a neighbour on the gateway core discards the run, unless the run has no gateway', () => {
  const use = useBetween(start, sample(12, { bench: 200, gateway: 500, busy: [1040, 2150] }), pids)
  expect(use.neighbourShare.gatewayCore).toBeCloseTo(0.2)
  expect(disturbance(use, true)).toBe('others used 20 % of core 0')
  expect(disturbance(use, false)).toBeNull()
})

test('a neighbour on the load core discards every run', () => {
  const use = useBetween(start, sample(12, { bench: 200, gateway: 690, busy: [1190, 2180] }), pids)
  expect(disturbance(use, false)).toBe('others used 15 % of core 1')
})

test('time the hypervisor took counts as a neighbour', () => {
  const after = sample(12, { bench: 200, gateway: 690, busy: [1190, 2150], stolen: 30 })
  expect(disturbance(useBetween(start, after, pids), true)).toBe('others used 15 % of core 0')
})

test('without a gateway everything the bench started belongs to the load', () => {
  const after = sample(12, { bench: 210, gateway: 500, busy: [1000, 2160] })
  expect(useBetween(start, after, { ...pids, gateway: null })).toMatchObject({
    gatewaySeconds: 0,
    loadShare: 0.8,
  })
})
