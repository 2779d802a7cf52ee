/**
 * Costs seen in one currency: whatever is asked, the sums are those that a plain calculation makes out of the records,
 * the corrections and the rates, to the nano, and what has no rate is told apart.
 */
import { adminClient } from '@headgate/admin-contract/client'
import type { UsageAnswer, UsageGroup, UsageQuery } from '@headgate/admin-contract/usage-query'
import type { NewExchangeRate } from '@headgate/domain/exchange-rate'
import type { UsageRecord } from '@headgate/domain/usage-record'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { z } from 'zod'
import { startTestPlane, type TestPlane } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'
import { rounds } from '../../../../tests/servers/rounds.ts'
import { usageStore } from '../../jobs/store-usage.ts'

type Query = z.input<typeof UsageQuery>

const DAY_MS = 86_400_000
const FIRST = Date.UTC(2026, 8, 20)
const DAYS = 60
const SEED = 20_261_127
const currencies = ['USD', 'EUR', 'GBP', 'CHF']

/** Numbers that follow from the seed alone. */
function numbers(count: number, max: number): number[] {
  const [all] = fc.sample(fc.array(fc.nat(max), { minLength: count, maxLength: count }), {
    seed: SEED + max,
    numRuns: 1,
  })
  return all as number[]
}

const COUNT = 1500
const [instants, costs, dice] = [
  numbers(COUNT, DAYS * DAY_MS - 1),
  numbers(COUNT, 2 ** 40),
  numbers(COUNT, 999),
]
const records: UsageRecord[] = instants.map((offset, n) => {
  const die = dice[n] as number
  const currency = currencies[die % 4] as string
  return usageRecord(n, {
    startedAt: new Date(FIRST + offset).toISOString(),
    teamId: `team_${die % 3}`,
    alias: `alias_${die % 7}`,
    keyId: `key_${die % 11}`,
    ...(die % 10 === 0
      ? { costNanos: null, costState: 'unknown', currency: null, priceId: null }
      : { costNanos: costs[n] as number, currency }),
  })
})
/** Of every ninth record, half of its cost is taken back. */
const corrections = records.filter((it, n) => n % 9 === 0 && it.costNanos !== null)

/** Rates of the pound begin late, those of the franc never; some are written down in the other direction only. */
const rates: NewExchangeRate[] = numbers(40, DAYS - 1).flatMap((day, n) => {
  const at = new Date(FIRST + day * DAY_MS).toISOString().slice(0, 10)
  const told = { day: at, source: 'made up' }
  if (n % 3 === 0)
    return [{ ...told, base: 'EUR', quote: 'USD', rateBillionths: 1_000_000_000 + n * 7_654_321 }]
  if (n % 3 === 1)
    return [{ ...told, base: 'USD', quote: 'EUR', rateBillionths: 900_000_000 + n * 1_234_567 }]
  return day < DAYS / 2
    ? []
    : [{ ...told, base: 'GBP', quote: 'EUR', rateBillionths: 1_100_000_000 + n * 3_333_333 }]
})

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
  await usageStore(it.db).store(records)
  for (const body of rates) await it.client.exchangeRates.put({ body })
  await it.db
    .insertInto('reratings')
    .values({
      ...{
        id: 'rrt_1',
        fromAt: new Date(FIRST).toISOString(),
        toAt: new Date().toISOString(),
        reason: 'test',
      },
      ...{ records: 1, corrected: 1, newlyPriced: 0, stillUnknown: 0, differences: '[]', createdAt: 'now' },
    })
    .execute()
  await it.db.insertInto('costCorrections').values(corrections.map(correctionOf)).execute()
})
afterAll(() => it.stop())

const halfOf = (record: UsageRecord) => -Math.floor((record.costNanos ?? 0) / 2)

function correctionOf(record: UsageRecord) {
  const { requestId, attempt, currency, startedAt, keyId, userId, appId, teamId } = record
  return {
    ...{
      reratingId: 'rrt_1',
      requestId,
      attempt,
      currency: currency ?? '',
      nanos: halfOf(record),
      newlyPriced: false,
    },
    ...{ priceId: null, agreementId: null, startedAt, keyId, userId, appId, teamId },
    ...{
      endpoint: record.endpoint,
      alias: record.alias,
      deploymentId: record.deploymentId,
      outcome: record.outcome,
    },
  }
}

/** What was spent when by whom, out of the records. */
const spent = [
  ...records.map((record) => ({ record, nanos: BigInt(record.costNanos ?? 0) })),
  ...corrections.map((record) => ({ record, nanos: BigInt(halfOf(record)) })),
].filter(({ record }) => record.currency !== null)

/** A fraction of nanos: above, below. */
type Fraction = readonly [bigint, bigint]
const plus = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d + c * b, b * d]

/** One amount by the rate of its day; null where there is none. */
function converted(from: string, day: string, nanos: bigint, to: string): Fraction | null {
  if (from === to) return [nanos, 1n]
  const its = rates.filter(
    (rate) => rate.day <= day && [rate.base, rate.quote].sort().join() === [from, to].sort().join(),
  )
  const latest = its
    .map((rate) => rate.day)
    .sort()
    .at(-1)
  // Of a pair and a day the last one that was put counts.
  const ofDay = its.filter((rate) => rate.day === latest)
  const rate = ofDay.findLast((one) => one.base === from) ?? ofDay.at(-1)
  if (rate === undefined) return null
  const billionths = BigInt(rate.rateBillionths)
  return rate.base === from ? [nanos * billionths, 1_000_000_000n] : [nanos * 1_000_000_000n, billionths]
}

function rounded([above, below]: Fraction): bigint {
  const size = above < 0n ? -above : above
  const whole = (2n * size + below) / (2n * below)
  return above < 0n ? -whole : whole
}

const nanosOf = (amount: string) => {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)\.(\d+)$/.exec(amount) ?? []
  return BigInt(`${sign}${whole}${fraction.padEnd(9, '0')}`)
}

/** The plain calculation. */
function planSums(its: typeof spent, to: string) {
  let sum: Fraction = [0n, 1n]
  const missing = new Map<string, bigint>()
  for (const { record, nanos } of its) {
    const from = record.currency as string
    const part = converted(from, record.startedAt.slice(0, 10), nanos, to)
    if (part === null) missing.set(from, (missing.get(from) ?? 0n) + nanos)
    else sum = plus(sum, part)
  }
  return { exact: sum, nanos: rounded(sum), missing: [...missing].filter(([, left]) => left !== 0n).sort() }
}

const ownValueOf = (record: UsageRecord, dimension: string) =>
  ({ team: record.teamId, alias: record.alias, key: record.keyId })[dimension] ?? null

/** Whose calls a group of an answer holds, of those that are told. */
function belongs(record: UsageRecord, { group, isOther }: UsageGroup, { data }: UsageAnswer): boolean {
  const isIn = (its: UsageGroup['group']) =>
    its.every(({ dimension, value }) => ownValueOf(record, dimension) === value)
  return isOther ? !data.some((one) => !one.isOther && isIn(one.group)) : isIn(group)
}

const minute = fc.nat(DAYS * 1440).map((it) => FIRST + it * 60_000)
const question = fc.record({
  in: fc.constantFrom('EUR', 'USD', 'GBP'),
  by: fc.constantFrom('team', 'alias', 'team,alias', 'key,team'),
  bucket: fc.constantFrom('none' as const, 'day' as const, 'week' as const, 'month' as const),
  zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'),
  metric: fc.constantFrom('calls' as const, 'cost' as const),
  limit: fc.constantFrom(2, 5, 100),
  span: fc.tuple(minute, minute),
})

/** The last stretch is a minute long, and both of its bounds are nearest to the same midnight of UTC. */
const cutShort = {
  ...{ in: 'EUR', by: 'team', bucket: 'day', zone: 'Asia/Kolkata', metric: 'calls', limit: 2 },
  span: [1_789_862_400_000, 1_792_953_000_000] as [number, number],
} as const

test('whatever is asked, each sum is that of a plain calculation, rounded once', async () => {
  await fc.assert(
    fc.asyncProperty(question, async ({ span, ...asked }) => {
      const [from, to] = [...span].sort((a, b) => a - b) as [number, number]
      const query: Query = {
        ...asked,
        from: new Date(from).toISOString(),
        to: new Date(to + 60_000).toISOString(),
      }
      const answer = await it.client.usage.query({ query })
      const starts = [...new Set(answer.data.map((group) => group.at ?? answer.from))].sort()
      const its = spent.filter(
        ({ record }) => record.startedAt >= answer.from && record.startedAt < answer.to,
      )
      const startOf = (record: UsageRecord) => starts.findLast((start) => start <= record.startedAt)
      for (const group of answer.data) {
        const inIt = its.filter(
          ({ record }) => startOf(record) === (group.at ?? answer.from) && belongs(record, group, answer),
        )
        const plan = planSums(inIt, asked.in)
        const { amount, notConverted = [] } = group.sums.costIn ?? {}
        expect(notConverted.map((one) => [one.currency, nanosOf(one.amount)])).toEqual(plan.missing)
        if (amount === null) expect(plan.nanos).toBe(0n)
        else expect(nanosOf(amount ?? '')).toBe(plan.nanos)
      }
      if (asked.metric === 'cost' && asked.bucket === 'none') {
        const ranked = answer.data
          .filter((group) => !group.isOther)
          .map((group) => nanosOf(group.sums.costIn?.amount ?? '0.00'))
        expect(ranked).toEqual([...ranked].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0)))
      }
    }),
    { numRuns: rounds(30), seed: SEED, examples: [[cutShort]] },
  )
})

const whole = { from: '2026-09-20T00:00:00Z', to: '2026-11-19T00:00:00Z' }

test('the original sums stand beside, and without the parameter all is as it was', async () => {
  const plain = await it.client.usage.query({ query: { ...whole, by: 'team' } })
  const view = await it.client.usage.query({ query: { ...whole, by: 'team', in: 'EUR' } })
  expect(plain.rates).toBeNull()
  expect(plain.data.map((group) => group.sums.costIn)).toEqual([null, null, null])
  expect(view.data.map(({ sums }) => ({ ...sums, costIn: null }))).toEqual(
    plain.data.map((group) => group.sums),
  )
})

test('one currency alone can be seen in another, and the rates that were used are told', async () => {
  const { data, rates: used } = await it.client.usage.query({
    query: { ...whole, currency: 'GBP', in: 'EUR' },
  })
  const pounds = spent.filter(({ record }) => record.currency === 'GBP')
  const plan = planSums(pounds, 'EUR')
  expect(data[0]?.sums.costIn).toMatchObject({ currency: 'EUR', notConverted: [{ currency: 'GBP' }] })
  expect(nanosOf(data[0]?.sums.costIn?.amount ?? '')).toBe(plan.nanos)
  expect(used?.length).toBeGreaterThan(0)
  for (const rate of used ?? []) expect(rate).toMatchObject({ base: 'GBP', quote: 'EUR', source: 'made up' })
  expect(used?.map((rate) => rate.day)).toEqual([...(used ?? []).map((rate) => rate.day)].sort())
})

test('an earlier span is seen by the rates of its own days', async () => {
  const query = {
    in: 'EUR',
    from: '2026-10-20T00:00:00Z',
    to: '2026-11-19T00:00:00Z',
    compare: 'previous_period',
  } as const
  const { data } = await it.client.usage.query({ query })
  const earlier = spent.filter(({ record }) => record.startedAt < '2026-10-20')
  expect(nanosOf(data[0]?.previous?.costIn?.amount ?? '')).toBe(planSums(earlier, 'EUR').nanos)
})

test('what has no rate at all is no zero', async () => {
  const { data } = await it.client.usage.query({ query: { ...whole, currency: 'CHF', in: 'EUR' } })
  expect(data[0]?.sums.costIn?.amount).toBeNull()
  expect(data[0]?.sums.costIn?.notConverted).toEqual(data[0]?.sums.costs)
})

test('whoever has one team sees its costs by the same rates', async () => {
  const { secret } = await it.client.apiTokens.create({
    body: {
      name: 'one',
      role: 'viewer',
      teamIds: [await realTeam()],
      expiresAt: new Date(Date.now() + DAY_MS).toISOString(),
    },
  })
  const client = adminClient({ origin: it.plane.adminUrl, token: secret })
  const { data } = await client.usage.query({ query: { ...whole, in: 'EUR' } })
  const all = await it.client.usage.query({ query: { ...whole, in: 'EUR', by: 'team' } })
  const own = all.data.find(({ group }) => group[0]?.value === teamId)
  expect(data[0]?.sums.costIn).toEqual(own?.sums.costIn)
  expect(own?.sums.costIn?.amount).not.toBe('0.00')
})

let teamId: string
/** A team that exists, with calls of its own. */
async function realTeam(): Promise<string> {
  teamId = (await it.client.teams.create({ body: { name: 'Own' } })).id
  const own = Array.from({ length: 50 }, (_, n) =>
    usageRecord(10_000 + n, {
      ...{ teamId, currency: currencies[n % 3] as string, costNanos: 1_000_003 * (n + 1) },
      startedAt: new Date(FIRST + n * DAY_MS).toISOString(),
    }),
  )
  await usageStore(it.db).store(own)
  return teamId
}

test('files have the costs in one column and what is not converted in others, and the sidecar names the rates', async () => {
  const query = { ...whole, by: 'team', in: 'EUR' }
  const answer = await it.client.usage.query({ query })
  const read = async (format: 'csv' | 'json' | 'ndjson' | 'sidecar') => {
    const pieces: Uint8Array[] = []
    for await (const piece of (await it.client.usage.exportQuery({ query: { ...query, format } })).body)
      pieces.push(Buffer.from(piece))
    return Buffer.concat(pieces).toString()
  }
  const rows = JSON.parse(await read('json')) as Record<string, string>[]
  expect(rows.map((row) => row['cost_in_eur'])).toEqual(answer.data.map((group) => group.sums.costIn?.amount))
  expect(rows.map((row) => row['not_converted_chf'])).toEqual(
    answer.data.map(
      (group) => group.sums.costIn?.notConverted.find((one) => one.currency === 'CHF')?.amount ?? null,
    ),
  )
  const [head = ''] = (await read('csv')).split('\r\n')
  expect(head).toContain('cost_usd,cost_in_eur,not_converted_chf,not_converted_gbp')
  expect(
    (await read('ndjson'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(rows)
  const sidecar = JSON.parse(await read('sidecar'))
  expect(sidecar.rates).toEqual(
    answer.rates?.map(({ rateBillionths, ...rate }) => ({ ...rate, rate_billionths: rateBillionths })),
  )
  expect(sidecar.question.in).toBe('EUR')
})
