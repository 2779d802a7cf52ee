// Shows that candidates take turns fairly, that disturbed runs are replaced, and that ratios are per round.
import { expect, test } from 'vitest'
import { ATTEMPTS_MAX, costUs, faultsOf, median, perRound, take, turnsOf } from './rounds.ts'
import { measureNamed, outcomeOf, takenOf } from './sample-runs.ts'

const closed = measureNamed('JSON 1.5 KB, 64')
const open = measureNamed('JSON 1.5 KB, open loop at 100/s')
const streams = measureNamed('SSE')
const ALL = ['direct', 'nginx', 'headgate']

test('over as many rounds as there are candidates each is first once', () => {
  const first = [0, 1, 2].map((round) => turnsOf(round, [closed], ALL)[0]?.candidate)
  expect(first.toSorted()).toEqual(ALL.toSorted())
  expect(turnsOf(4, [closed], ALL)).toHaveLength(3)
})

test('in an open loop every candidate has a direct run beside it, before it and after it in turn', () => {
  for (const round of [0, 1]) {
    const turns = turnsOf(round, [open], ALL)
    expect(turns).toHaveLength(4)
    for (let pair = 0; pair < 4; pair += 2) {
      const [one, other] = round === 0 ? [turns[pair], turns[pair + 1]] : [turns[pair + 1], turns[pair]]
      expect(one).toMatchObject({ candidate: 'direct', pairedWith: other?.candidate })
    }
  }
})

test('without direct, or with nothing else, an open loop still runs', () => {
  expect(turnsOf(0, [open], ['nginx'])).toMatchObject([{ candidate: 'nginx', pairedWith: null }])
  expect(turnsOf(0, [open], ['direct'])).toMatchObject([{ candidate: 'direct', pairedWith: null }])
})

test('a disturbed run is discarded and taken again, and its place stays empty in the end', async () => {
  const turn = { measure: closed, candidate: 'nginx', pairedWith: null }
  let rests = 0
  const rest = async () => {
    rests++
  }
  const noisy = outcomeOf({ disturbed: 'others used 50 % of core 0' })
  const good = outcomeOf({})
  const queue = [noisy, good]
  const taken = await take(turn, 0, { run: async () => queue.shift()!, rest })
  expect(taken).toMatchObject({ outcome: good, discarded: ['others used 50 % of core 0'] })
  expect(rests).toBe(1)
  const never = await take(turn, 0, { run: async () => noisy, rest })
  expect(never.outcome).toBeNull()
  expect(never.discarded).toHaveLength(ATTEMPTS_MAX)
})

test('the cost is CPU time per request, or per chunk of a stream; without a gateway there is none', () => {
  expect(costUs(closed, outcomeOf({ gatewaySeconds: 0.05 }))).toBeCloseTo(50)
  expect(costUs(streams, outcomeOf({ gatewaySeconds: 0.05 }))).toBeCloseTo(25)
  expect(costUs(closed, outcomeOf({ gatewaySeconds: 0, gatewayShare: 0 }))).toBeNull()
  expect(costUs(closed, outcomeOf({ gatewaySeconds: 0.05, load: { completed: 0 } }))).toBeNull()
})

test('a figure over another is taken within a round only', () => {
  const runs = (candidate: string, costs: readonly (number | null)[]) =>
    costs.map((gatewaySeconds, round) =>
      takenOf({
        measure: closed,
        candidate,
        round,
        outcome: gatewaySeconds === null ? null : outcomeOf({ gatewaySeconds }),
      }),
    )
  const ratio = perRound(
    runs('headgate', [0.08, null, 0.3]),
    runs('nginx', [0.02, 0.02, 0.1]),
    (it, yard) => {
      return it.use.gatewaySeconds / yard.use.gatewaySeconds
    },
  )
  expect(ratio.map((it) => it.toFixed(2))).toEqual(['4.00', '3.00'])
})

test('errors, non-2xx answers, a queue and an empty run each make a row void', () => {
  const faults = (load: Parameters<typeof outcomeOf>[0]['load'] & object) =>
    faultsOf([takenOf({ measure: closed, candidate: 'nginx', round: 0, outcome: outcomeOf({ load }) })])
  expect(faults({}).void).toBe(false)
  expect(faults({ inFlightAtEnd: 64 }).void).toBe(false)
  expect(faults({ errors: 1 })).toMatchObject({ void: true, errors: 1 })
  expect(faults({ non2xx: 2 })).toMatchObject({ void: true, non2xx: 2 })
  expect(faults({ queuedAtEnd: 3 })).toMatchObject({ void: true, queued: 3 })
  expect(faults({ completed: 0 })).toMatchObject({ void: true, empty: 1 })
})

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([5, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([])).toBeNaN()
})
