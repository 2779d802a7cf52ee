/** Each time of a schedule has one export, whoever runs; what was missed is made up for, once. */
import { coveredAt, MADE_UP_MAX } from '@headgate/domain/export-schedule'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane, until } from '../../../../tests/admin/harness.ts'

const DAY_MS = 86_400_000

let it: TestPlane
let other: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
  other = await startTestPlane({ databaseUrl: it.databaseUrl })
})
afterAll(() => Promise.all([it.stop(), other.stop()]))

const body = {
  name: 'Books',
  kind: 'sums',
  every: 'month',
  question: 'by=team&metric=cost',
  format: 'parquet',
} as const
const read = (scheduleId: string) => it.client.exportSchedules.read({ params: { scheduleId } })
const exportsOf = (id: string) =>
  it.db.selectFrom('usageExports').selectAll().where('scheduleId', '=', id).orderBy('dueAt').execute()
const isMade = async (id: string) => (await read(id)).lastExportId !== null

async function setNext(id: string, atMs: number): Promise<void> {
  await sql`update export_schedules set next_at = ${new Date(atMs).toISOString()} where id = ${id}`.execute(
    it.db,
  )
}

test('a new schedule says when it comes next, who made it and what it covers', async () => {
  const made = await it.client.exportSchedules.create({ body: { ...body, timeZone: 'Europe/Berlin' } })
  expect(made).toMatchObject({
    covers: 'month',
    delayMinutes: 60,
    isEnabled: true,
    createdBy: 'admin-token',
    teamIds: null,
  })
  expect(Date.parse(made.nextAt ?? '')).toBeGreaterThan(Date.now())
  const off = await it.client.exportSchedules.change({
    params: { scheduleId: made.id },
    body: { isEnabled: false },
  })
  expect(off.nextAt).toBeNull()
  const on = await it.client.exportSchedules.change({
    params: { scheduleId: made.id },
    body: { isEnabled: true },
  })
  expect(on.nextAt).toBe(made.nextAt)
  const same = await it.client.exportSchedules.change({
    params: { scheduleId: made.id },
    body: { name: 'Accounts' },
  })
  expect([same.name, same.nextAt]).toEqual(['Accounts', made.nextAt])
  const removed = await it.client.exportSchedules.remove({ params: { scheduleId: made.id } })
  expect(removed).toEqual(same)
})

test('a time that has come has one export between two control planes, of the month before, and it is made', async () => {
  const { id } = await it.client.exportSchedules.create({ body })
  const dueMs = Date.now() - 1_000
  await setNext(id, dueMs)
  await until(() => isMade(id), 'the export')
  await until(async () => (await exportsOf(id))[0]?.state === 'done', 'the file')
  const [made, ...more] = await exportsOf(id)
  expect(more).toEqual([])
  const covered = coveredAt({ covers: 'month', timeZone: 'UTC' }, dueMs)
  expect(made).toMatchObject({ kind: 'sums', format: 'parquet' })
  expect(made?.question).toBe(`by=team&metric=cost&from=${covered.from}&to=${covered.to}`)
  const after = await read(id)
  expect(after).toMatchObject({ lastExportId: made?.id, lastAt: new Date(dueMs).toISOString() })
  expect(Date.parse(after.nextAt ?? '')).toBeGreaterThan(Date.now())
  const events = await it.client.auditEvents.list({ query: { subjectId: id } })
  expect(events.data.map((event) => [event.action, event.actor])).toEqual([
    ['export-schedule.run', 'system'],
    ['export-schedule.created', 'admin-token'],
  ])
})

test('times that were missed are each made up for once, and of very many the latest', async () => {
  const made = await it.client.exportSchedules.create({ body: { ...body, every: 'day', delayMinutes: 0 } })
  await setNext(made.id, Date.parse(made.nextAt ?? '') - 4 * DAY_MS)
  await until(() => isMade(made.id), 'the exports')
  expect(
    (await exportsOf(made.id)).map((one) => Date.parse(made.nextAt ?? '') - Date.parse(one.dueAt ?? '')),
  ).toEqual([4, 3, 2, 1].map((days) => days * DAY_MS))
  expect((await read(made.id)).nextAt).toBe(made.nextAt)
  const old = await it.client.exportSchedules.create({
    body: { ...body, name: 'Old', every: 'day', delayMinutes: 0 },
  })
  await setNext(old.id, Date.parse(old.nextAt ?? '') - 100 * DAY_MS)
  await until(() => isMade(old.id), 'the exports')
  expect(await exportsOf(old.id)).toHaveLength(MADE_UP_MAX)
})

test('a disabled schedule makes nothing', async () => {
  const { id } = await it.client.exportSchedules.create({ body: { ...body, isEnabled: false } })
  await new Promise((done) => setTimeout(done, 6_000))
  expect(await exportsOf(id)).toEqual([])
})

test.each([
  ['by=beauty', 'by'],
  ['by=team&from=2026-01-01T00:00:00Z', 'from'],
])('the question "%s" is refused with its fault', async (question, fault) => {
  await expect(it.client.exportSchedules.create({ body: { ...body, question } })).rejects.toMatchObject({
    ...{ status: 400, faults: [{ pointer: '/question', message: expect.stringContaining(fault) }] },
  })
})

test('a time no clock has, and a zone that is none, are refused', async () => {
  for (const wrong of [{ delayMinutes: 1_321 }, { timeZone: 'Mars/Olympus' }])
    await expect(it.client.exportSchedules.create({ body: { ...body, ...wrong } })).rejects.toMatchObject({
      status: 400,
    })
})
