/** Settings of the organisation: bounded, traced, fixed by the environment where that says so, and in force without a restart. */
import { keepAudit } from '@headgate/control-plane/jobs/keep-audit'
import { keepUsage } from '@headgate/control-plane/jobs/keep-usage'
import { runNext } from '@headgate/control-plane/jobs/run-exports'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { organisationSettingNames } from '@headgate/domain/organisation-setting'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, systemClock, type TestPlane, testKeeper } from './harness.ts'
import { usageRecord } from './usage-record.ts'

const DAY_MS = 86_400_000
const never = new AbortController().signal
const log = () => {}

let it: TestPlane
let appId: string
beforeAll(async () => {
  it = await startTestPlane({ config: { fixedSettings: {} } })
  const team = await it.client.teams.create({ body: { name: 'Settings' } })
  appId = (await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })).id
})
afterAll(() => it.stop())

const set = (name: string, value: string | number | null, more = {}) =>
  it.client.settings.change({ params: { name }, body: { value, ...more }, ifMatch: '*' })
const reset = (name: string) => it.client.settings.reset({ params: { name }, ifMatch: '*' })
const read = (name: string) => it.client.settings.read({ params: { name } })

test('all are listed with their default, unit, bounds and meaning, page by page', async () => {
  const { data } = await it.client.settings.list()
  expect(data).toHaveLength(organisationSettingNames.length)
  for (const one of data) {
    expect(one).toMatchObject({ source: 'default', fixedBy: null, changedBy: null, changedAt: null })
    expect(one.value).toBe(one.default)
    expect(one.meaning.length).toBeGreaterThan(20)
    expect(one.bounds === null).toBe(['time zone', 'currency'].includes(one.unit))
    expect(await read(one.name)).toEqual(one)
  }
  const walked: string[] = []
  let cursor: string | null = null
  do {
    const page = await it.client.settings.list({ query: { limit: 4, ...(cursor ? { cursor } : {}) } })
    walked.push(...page.data.map((one) => one.name))
    cursor = page.page.nextCursor
  } while (cursor !== null)
  expect(walked).toEqual(data.map((one) => one.name))
})

test('a setting is chosen by who has seen it, told who did and when, and set back; each leaves an event', async () => {
  const name = 'rotation_grace_minutes'
  const params = { name }
  const before = await read(name)
  const rehearsed = await it.ask('PATCH', `/api/v1/settings/${name}?dry_run=true`, { body: { value: 5 } })
  expect(rehearsed.json).toMatchObject({ changed: true, after: { value: 5 } })
  expect(await read(name)).toEqual(before)
  const ifMatch = it.client.etagOf(before)!
  const chosen = await it.client.settings.change({ params, body: { value: 30 }, ifMatch })
  expect(chosen).toMatchObject({ value: 30, default: 1_440, source: 'stored', changedBy: 'admin-token' })
  expect(Date.now() - Date.parse(chosen.changedAt!)).toBeLessThan(60_000)
  await expect(it.client.settings.change({ params, body: { value: 31 }, ifMatch })).rejects.toMatchObject({
    status: 412,
  })
  expect(await set(name, 30)).toEqual(chosen)
  expect(await it.client.settings.change({ params, body: {}, ifMatch: '*' })).toEqual(chosen)
  expect(await reset(name)).toEqual(before)
  expect(await reset(name)).toEqual(before)
  const events = (await it.client.auditEvents.list({ query: { subjectId: name, result: 'done' } })).data
  expect(events.map((one) => one.action)).toEqual(['setting.reset', 'setting.changed'])
  expect(events[1]).toMatchObject({ before: { value: 1_440 }, after: { value: 30 } })
})

test.each([
  ['keep_records_days', 0, '1 to 36500'],
  ['keep_records_days', 36_501, '1 to 36500'],
  ['keep_records_days', null, '1 to 36500'],
  ['keep_records_days', '30', '1 to 36500'],
  ['rotation_grace_minutes', 1_441, '0 to 1440'],
  ['reporting_zone', 'Europe/Nowhere', 'time zone'],
  ['reporting_zone', 2, 'time zone'],
  ['reporting_currency', 'euro', 'currency'],
])('%s cannot be %j, and the refusal says what it can be', async (name, value, said) => {
  await expect(set(name, value)).rejects.toMatchObject({
    ...{ status: 400, faults: [{ pointer: '/value', fix: expect.stringContaining(said) }] },
  })
  expect((await read(name)).source).toBe('default')
})

test('what the environment fixes is shown as that, and neither changed nor set back', async () => {
  await set('keep_hours_days', 50)
  const fixed = await startTestPlane({
    databaseUrl: it.databaseUrl,
    config: { fixedSettings: { keepHoursDays: 36_500 } },
  })
  try {
    const params = { name: 'keep_hours_days' }
    const shown = await fixed.client.settings.read({ params })
    expect(shown).toMatchObject({ value: 36_500, source: 'environment', fixedBy: 'HEADGATE_KEEP_HOURS_DAYS' })
    for (const refused of [
      () => fixed.client.settings.change({ params, body: { value: 9 }, ifMatch: '*' }),
      () => fixed.client.settings.reset({ params, ifMatch: '*' }),
    ])
      await expect(refused()).rejects.toMatchObject({
        status: 409,
        faults: [{ code: 'fixed_by_environment', fix: expect.stringContaining('HEADGATE_KEEP_HOURS_DAYS') }],
      })
    expect((await read('keep_hours_days')).value).toBe(50)
  } finally {
    await fixed.stop()
    await reset('keep_hours_days')
  }
})

const newKey = (more: object = {}) => it.client.keys.create({ body: { name: 'k', appId, ...more } })
const inDays = (days: number, from = Date.now()) => new Date(from + days * DAY_MS).toISOString()

test('keys that say nothing expire as was settled on, and none lives longer than it may', async () => {
  expect((await newKey()).expiresAt).toBeNull()
  await set('key_expiry_days', 90)
  const key = await newKey()
  expect(key.expiresAt).toBe(inDays(90, Date.parse(key.createdAt)))
  expect((await newKey({ expiresAt: null })).expiresAt).toBeNull()
  await expect(set('key_life_days_max', 30)).rejects.toMatchObject({ faults: [{ code: 'beyond_life' }] })
  await set('key_expiry_days', 20)
  await set('key_life_days_max', 30)
  await expect(set('key_expiry_days', 31)).rejects.toMatchObject({ faults: [{ code: 'beyond_life' }] })
  for (const expiresAt of [null, inDays(31)])
    await expect(newKey({ expiresAt })).rejects.toMatchObject({
      faults: [{ pointer: '/expires_at', code: 'beyond_life', message: expect.stringContaining('30 days') }],
    })
  const short = await newKey({ expiresAt: inDays(29) })
  const params = { keyId: short.id }
  await expect(it.client.keys.change({ params, body: { expiresAt: null } })).rejects.toMatchObject({
    faults: [{ code: 'beyond_life' }],
  })
  await it.client.keys.change({ params, body: { name: 'renamed', expiresAt: inDays(28) } })
  // Those that were there stay as they are.
  await it.client.keys.change({ params: { keyId: key.id }, body: { name: 'renamed' } })
  await reset('key_expiry_days')
  const longest = await newKey()
  expect(longest.expiresAt).toBe(inDays(30, Date.parse(longest.createdAt)))
  await reset('key_life_days_max')
})

test('a rotation that does not say takes the grace that was settled on', async () => {
  await set('rotation_grace_minutes', 7)
  const [one, other] = [await newKey(), await newKey()]
  const rotate = (keyId: string, body: object) => it.client.keyRotations.create({ params: { keyId }, body })
  expect((await rotate(one.id, {})).graceMinutes).toBe(7)
  expect((await rotate(other.id, { graceMinutes: 9 })).graceMinutes).toBe(9)
  await reset('rotation_grace_minutes')
})

test('days of usage begin in the zone that was settled on, unless a question says another', async () => {
  await usageStore(it.db).store([usageRecord(1, { startedAt: '2026-11-01T23:30:00.000Z' })])
  const query = { from: '2026-11-01T00:00:00Z', to: '2026-11-04T00:00:00Z', bucket: 'day' } as const
  const days = async (more = {}) =>
    (await it.client.usage.query({ query: { ...query, ...more } })).data.map((one) => one.at)
  expect(await days()).toEqual(['2026-11-01T00:00:00.000Z'])
  await set('reporting_zone', 'Europe/Berlin')
  expect(await days()).toEqual(['2026-11-01T23:00:00.000Z'])
  expect(await days({ zone: 'UTC' })).toEqual(['2026-11-01T00:00:00.000Z'])
  await reset('reporting_zone')
})

test('costs are told in the currency that was settled on, unless a question says another or none', async () => {
  const startedAt = '2026-11-05T12:00:00.000Z'
  await usageStore(it.db).store([usageRecord(11, { startedAt, costNanos: 2_000_000_000, currency: 'USD' })])
  for (const [quote, rateBillionths] of [
    ['EUR', 500_000_000],
    ['CHF', 750_000_000],
  ] as const)
    await it.client.exchangeRates.put({
      body: { base: 'USD', quote, day: '2026-11-01', rateBillionths, source: 'a test' },
    })
  const query = { from: '2026-11-05T00:00:00Z', to: '2026-11-06T00:00:00Z' }
  const seen = async (more = {}) => {
    const answer = await it.client.usage.query({ query: { ...query, ...more } })
    const { costs, costIn } = answer.data[0]?.sums ?? {}
    return [answer.in, costs, costIn && `${costIn.amount} ${costIn.currency}`, answer.rates?.length ?? null]
  }
  const own = [{ amount: '2.00', currency: 'USD' }]
  expect(await seen()).toEqual([null, own, null, null])
  await set('reporting_currency', 'EUR')
  expect(await seen()).toEqual(['EUR', own, '1.00 EUR', 1])
  expect(await seen({ in: 'CHF' })).toEqual(['CHF', own, '1.50 CHF', 1])
  expect(await seen({ in: 'none' })).toEqual([null, own, null, null])
  const file = async (more: string) =>
    (await it.ask('GET', `/api/v1/analytics/export?format=csv&from=${query.from}&to=${query.to}${more}`)).text
  expect((await file('')).split('\n')[0]).toContain('cost_in_eur')
  expect((await file('&in=none')).split('\n')[0]).not.toContain('cost_in')
  expect((await it.ask('GET', '/api/v1/analytics/query?in=euro')).status).toBe(400)
  await set('reporting_currency', null)
  expect(await seen()).toEqual([null, own, null, null])
  await reset('reporting_currency')
})

test('files of exports are kept as long, and hold as much, as was settled on', async () => {
  await usageStore(it.db).store([2, 3, 4].map((n) => usageRecord(n)))
  const question = 'from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z'
  const done = async () => {
    const { id } = await it.client.exports.create({ body: { kind: 'records', question } })
    const plan = { db: it.db, scopedTo: () => it.db, log, clock: systemClock, fixedSettings: {} }
    for (;;) {
      await runNext(plan, never)
      const one = await it.client.exports.read({ params: { exportId: id } })
      if (one.state === 'done' || one.state === 'failed') return one
    }
  }
  const daysKept = ({ endedAt, expiresAt }: { endedAt: string | null; expiresAt: string | null }) =>
    (Date.parse(expiresAt!) - Date.parse(endedAt!)) / DAY_MS
  expect(daysKept(await done())).toBe(7)
  await set('keep_exports_days', 2)
  expect(daysKept(await done())).toBe(2)
  await set('export_rows_max', 3)
  expect(await done()).toMatchObject({ state: 'failed', fault: expect.stringContaining('export_rows_max') })
  await set('export_rows_max', 4)
  expect(await done()).toMatchObject({ state: 'done', rows: 4 })
  await reset('export_rows_max')
  await reset('keep_exports_days')
})

test('each level of usage, and records, are kept as long as was settled on from the next run on', async () => {
  const nowMs = Date.UTC(2026, 10, 20, 12)
  const job = keepUsage({ db: it.db, log, clock: { nowMs: () => nowMs }, fixedSettings: {} })
  const at = (days: number) => new Date(nowMs - days * DAY_MS).toISOString()
  await job.run(never)
  await usageStore(it.db).store([
    usageRecord(50, { startedAt: at(5) }),
    usageRecord(51, { startedAt: at(50) }),
  ])
  const countBefore = async (instant: string) => {
    const records = it.db.selectFrom('usageRecords').select('requestId').where('startedAt', '<', instant)
    const of = (table: 'usageMinutes' | 'usageHours' | 'usageDays') =>
      it.db.selectFrom(table).select('seriesId').where('at', '<', instant).execute()
    const rows = [
      await records.execute(),
      await of('usageMinutes'),
      await of('usageHours'),
      await of('usageDays'),
    ]
    return rows.map((some) => some.length)
  }
  const left = async () => (await countBefore(at(22))).map((count) => count > 0)
  await job.run(never)
  // The default of minutes is seven days.
  expect(await left()).toEqual([true, false, true, true])
  for (const [name, value, expected] of [
    ['keep_records_days', 10, [false, false, true, true]],
    ['keep_hours_days', 10, [false, false, false, true]],
  ] as const) {
    await set(name, value, { allowDeletion: true })
    await job.run(never)
    expect(await left()).toEqual(expected)
  }
  await usageStore(it.db).store([usageRecord(60, { startedAt: at(5) })])
  const minutes = async () => (await countBefore(at(2)))[1]
  expect(await minutes()).toBeGreaterThan(0)
  await set('keep_minutes_days', 1, { allowDeletion: true })
  await job.run(never)
  expect(await minutes()).toBe(0)
  const yearsLater = nowMs + 800 * DAY_MS
  const later = keepUsage({ db: it.db, log, clock: { nowMs: () => yearsLater }, fixedSettings: {} })
  await later.run(never)
  expect((await left())[3]).toBe(true)
  await set('keep_days_days', 30, { allowDeletion: true })
  await later.run(never)
  expect((await left())[3]).toBe(false)
})

test('audit events are kept as long as was settled on', async () => {
  const years = 3 * 365 * DAY_MS
  const job = keepAudit({
    ...{ db: it.db, log, keeper: testKeeper(), fixedSettings: {} },
    clock: { nowMs: () => Date.now() + years },
  })
  // A month is sealed when an event of a later one follows.
  const ahead = await startTestPlane({
    databaseUrl: it.databaseUrl,
    config: { fixedSettings: {} },
    ports: { clock: { ...systemClock, nowMs: () => Date.now() + years - DAY_MS } },
  })
  await ahead.client.teams.create({ body: { name: 'years later' } })
  await ahead.stop()
  const count = async () =>
    (
      await it.db
        .selectFrom('auditEvents')
        .select((of) => of.fn.countAll<number>().as('n'))
        .execute()
    )[0]?.n
  const before = await count()
  await job.run(never)
  expect(await count()).toBe(before)
  await set('keep_audit_days', 365)
  await job.run(never)
  expect(await count()).toBeLessThan(before ?? 0)
})

test('a shorter retention that would delete something says how much, and deletes only with leave', async () => {
  const own = await startTestPlane({ config: { fixedSettings: {} } })
  try {
    const { client, db } = own
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
    const day = (ago: number) => new Date(today - ago * DAY_MS).toISOString()
    const records = [40, 45, 45, 20].map((ago, n) => usageRecord(n, { startedAt: day(ago) }))
    await usageStore(db).store(records)
    const change = (name: string, body: object) =>
      own.ask('PATCH', `/api/v1/settings/${name}`, { body: { value: 30, ...body } })
    const [first, end] = [45, 30].map((ago) => day(ago).slice(0, 10))
    const message = `usage records of 15 days would be deleted, from ${first} up to ${end}: 3 in all`
    for (const query of ['', '?dry_run=true']) {
      const refused = await change(`keep_records_days${query}`, {})
      expect(refused.status).toBe(409)
      expect(refused.json.errors).toMatchObject([{ pointer: '/value', code: 'would_delete', message }])
    }
    const value = async () => (await client.settings.read({ params: { name: 'keep_records_days' } })).value
    expect(await value()).toBe(90)
    // What deletes nothing needs no leave: a longer time, and a shorter one that everything fits in.
    expect((await change('keep_records_days', { value: 46 })).status).toBe(200)
    expect((await change('keep_records_days', { value: 100 })).status).toBe(200)
    expect((await change('keep_records_days', { value: 44, allow_deletion: true })).status).toBe(200)
    expect(await value()).toBe(44)
    expect((await change('keep_days_days', {})).json.errors[0].message).toMatch(
      /sums of usage by the day of 15 days/,
    )
    expect((await change('keep_audit_days', {})).status).toBe(200)
    // To set back is to shorten where more was kept than by default.
    expect((await change('keep_records_days', { value: 400 })).status).toBe(200)
    await usageStore(db).store([usageRecord(9, { startedAt: day(120) })])
    const reset = await own.ask('DELETE', '/api/v1/settings/keep_records_days')
    expect([reset.status, reset.json.errors[0].code]).toEqual([409, 'would_delete'])
    const events = await client.auditEvents.list({
      query: { subjectId: 'keep_records_days', result: 'done' },
    })
    expect(events.data).toHaveLength(4)
  } finally {
    await own.stop()
  }
})
