/** A file made in the background is the file that is sent at once, whoever dies on the way; cancelled is cancelled. */
import { createHash } from 'node:crypto'
import type { Download } from '@headgate/admin-contract/download'
import { renameKeys } from '@headgate/admin-contract/wire'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { migratedDatabase, startTestPlane, type TestPlane, until } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'
import { openDatabase } from '../../database/open.ts'
import { runNext } from '../../jobs/run-exports.ts'
import { usageStore } from '../../jobs/store-usage.ts'

const COUNT = 12_000
const question = 'from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z'
const never = new AbortController().signal
const clock = { nowMs: () => Date.now() }
const log = () => {}

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
  await usageStore(it.db).store(Array.from({ length: COUNT }, (_, n) => usageRecord(n)))
})
afterAll(() => it.stop())

async function textOf({ body }: Download): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces).toString('utf8')
}

const read = (exportId: string) => it.client.exports.read({ params: { exportId } })

test('an export becomes the file that would have been sent, with its rows, size and digest', async () => {
  const made = await it.client.exports.create({ body: { kind: 'records', question } })
  expect(made).toMatchObject({ state: 'queued', rows: 0, format: 'csv', question })
  await until(async () => (await read(made.id)).state === 'done', 'the export')
  const done = await read(made.id)
  const file = await it.client.exports.download({ params: { exportId: made.id } })
  const text = await textOf(file)
  expect(file.fileName).toBe(`${made.id}.csv`)
  expect(text).toBe(
    await textOf(
      await it.client.usage.exportRecords({
        query: { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', format: 'csv' },
      }),
    ),
  )
  expect(done).toMatchObject({
    ...{ rows: COUNT, bytes: Buffer.byteLength(text), fault: null },
    sha256: createHash('sha256').update(text).digest('hex'),
  })
  const asked = { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' }
  const beside = await textOf(await it.client.usage.exportRecords({ query: { ...asked, format: 'sidecar' } }))
  const { as_of: _, ...told } = JSON.parse(beside) as Record<string, unknown>
  expect(renameKeys(await it.client.exports.sidecar({ params: { exportId: made.id } }))).toMatchObject(told)
  const parts = await it.db.selectFrom('usageExportParts').select('number').execute()
  expect(parts.length).toBeGreaterThan(1)
  const events = await it.client.auditEvents.list({ query: { subjectId: made.id } })
  expect(events.data.map((event) => event.action)).toEqual(['export.downloaded', 'export.created'])
  expect((await it.client.exports.list()).data[0]).toEqual(done)
})

test('an export whose process died is begun again by another, and its file is whole', async () => {
  const id = `exp_${'0'.repeat(26)}`
  await sql`insert into usage_exports (id, kind, format, question, created_at, state, started_at, leased_until, rows, bytes)
    values (${id}, 'sums', 'ndjson', ${`${question}&by=team&bucket=hour`}, now(), 'running', now() - interval '2 minutes',
      now() - interval '1 minute', 77, 7777)`.execute(it.db)
  await sql`insert into usage_export_parts values (${id}, 0, 'half a file')`.execute(it.db)
  await until(async () => (await read(id)).state === 'done', 'the export')
  const lines = (await textOf(await it.client.exports.download({ params: { exportId: id } })))
    .trimEnd()
    .split('\n')
  const calls = lines.map((line) => (JSON.parse(line) as { calls: number }).calls)
  expect(calls.reduce((a, b) => a + b, 0)).toBe(COUNT)
  expect((await read(id)).rows).toBe(lines.length)
})

test('a process that was taken for dead and wakes up neither spoils nor ends the file that another made', async () => {
  const { url } = await migratedDatabase()
  const about = { url, name: 'two-processes', statementTimeoutMs: 10_000, connectionsMax: 4, log }
  const { db, close } = openDatabase(about)
  onTestFinished(close)
  await usageStore(db).store(Array.from({ length: 4_000 }, (_, n) => usageRecord(n)))
  const id = `exp_${'2'.repeat(26)}`
  await sql`insert into usage_exports (id, kind, format, question, created_at)
    values (${id}, 'records', 'csv', ${question}, now())`.execute(db)
  const plan = { db, scopedTo: () => db, log, clock, fixedSettings: {} }
  // As another process has begun it anew, and has written nothing yet.
  const takeOver = () =>
    sql`update usage_exports set started_at = now(), leased_until = now() + interval '1 minute'`.execute(db)
  const now = async () => ({
    made: await db.selectFrom('usageExports').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
    parts: await db.selectFrom('usageExportParts').select('content').orderBy('number').execute(),
  })
  let transactions = 0
  const sleepy = new Proxy(db, {
    get: (target, name) => {
      const own: unknown = Reflect.get(target, name, target)
      if (name !== 'transaction' || ++transactions !== 2)
        return typeof own === 'function' ? own.bind(target) : own
      const execute = async (work: never) => {
        await takeOver()
        return target.transaction().execute(work)
      }
      return () => ({ execute })
    },
  })
  expect(await runNext({ ...plan, db: sleepy }, never)).toBe(true)
  expect(await now()).toMatchObject({ made: { state: 'running', rows: 0, bytes: 0 }, parts: [] })
  await sql`update usage_exports set leased_until = now() - interval '1 second'`.execute(db)
  expect(await runNext(plan, never)).toBe(true)
  const { made, parts } = await now()
  const file = Buffer.concat(parts.map((part) => part.content))
  expect(made).toMatchObject({ state: 'done', rows: 4_000, bytes: file.length, fault: null })
  expect(createHash('sha256').update(file).digest('hex')).toBe(made.sha256)
})

test('a file that goes while it is sent breaks off, and does not pass for whole', async () => {
  const made = await it.client.exports.create({ body: { kind: 'records', question } })
  await until(async () => (await read(made.id)).state === 'done', 'the export')
  await sql`delete from usage_export_parts where export_id = ${made.id} and number > 0`.execute(it.db)
  const file = await it.client.exports.download({ params: { exportId: made.id } })
  await expect(textOf(file)).rejects.toThrow()
})

test('a cancelled export has no file and is not made, and what is done cannot be cancelled', async () => {
  const id = `exp_${'1'.repeat(26)}`
  await sql`insert into usage_exports (id, kind, format, question, created_at, state, leased_until)
    values (${id}, 'records', 'csv', '', now(), 'running', now() + interval '1 hour')`.execute(it.db)
  await sql`insert into usage_export_parts values (${id}, 0, 'half a file')`.execute(it.db)
  const cancelled = await it.client.exports.cancel({ params: { exportId: id } })
  expect(cancelled.state).toBe('cancelled')
  expect(await it.client.exports.cancel({ params: { exportId: id } })).toEqual(cancelled)
  const left = await it.db
    .selectFrom('usageExportParts')
    .select('number')
    .where('exportId', '=', id)
    .execute()
  expect(left).toEqual([])
  expect(await runNext({ db: it.db, scopedTo: () => it.db, log, clock, fixedSettings: {} }, never)).toBe(
    false,
  )
  await expect(it.client.exports.download({ params: { exportId: id } })).rejects.toMatchObject({
    status: 409,
  })
  const done = (await it.client.exports.list()).data.find((one) => one.state === 'done')
  await expect(it.client.exports.cancel({ params: { exportId: done?.id ?? '' } })).rejects.toMatchObject({
    status: 409,
  })
})

test('a question that cannot be made says so, and one that is none is refused at once', async () => {
  const many = await it.client.exports.create({
    body: { kind: 'sums', question: 'bucket=minute&from=2020-01-01T00:00:00Z' },
  })
  await until(async () => (await read(many.id)).state === 'failed', 'the fault')
  expect((await read(many.id)).fault).toContain('bucket')
  await expect(
    it.client.exports.create({ body: { kind: 'sums', question: 'by=beauty' } }),
  ).rejects.toMatchObject({ status: 400, faults: [{ pointer: '/question' }] })
})

test('a file goes when its time is over', async () => {
  const [done] = (await it.client.exports.list()).data.filter((one) => one.state === 'done')
  await sql`update usage_exports set expires_at = now() - interval '1 second' where id = ${done?.id}`.execute(
    it.db,
  )
  await until(async () => (await read(done?.id ?? '').catch(() => null)) === null, 'the export to go')
  const parts = await it.db
    .selectFrom('usageExportParts')
    .select('number')
    .where('exportId', '=', done?.id ?? '')
    .execute()
  expect(parts).toEqual([])
})
