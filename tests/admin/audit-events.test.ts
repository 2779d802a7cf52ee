/** Audit events are found by who, when, what and about which thing, and leave as files that hold them all. */
import { appendAuditEvents } from '@headgate/control-plane/resources/audit-events/append'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane, testKeeper } from './harness.ts'

const COUNT = 2_100

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
  const rows = Array.from({ length: COUNT }, (_, n) => ({
    id: `aud_${String(n).padStart(26, '0')}`,
    at: new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString(),
    actor: n % 2 === 0 ? '=HYPERLINK("x")' : 'ada',
    action: n % 3 === 0 ? 'key.revoked' : 'key-rotation.created',
    subjectId: `key_${n % 5}`,
    requestId: `req_${n}`,
    role: 'admin',
    address: '10.0.0.1',
    result: 'done' as const,
    code: null,
    before: { lastFour: 'a"b,c' },
    after: null,
  }))
  for (let at = 0; at < COUNT; at += 700)
    await it.db.transaction().execute((db) => appendAuditEvents(db, rows.slice(at, at + 700), testKeeper()))
})
afterAll(() => it.stop())

const list = async (query: object) =>
  (await it.client.auditEvents.list({ query: { limit: 200, ...query } })).data
async function file(query: object): Promise<{ fileName: string; contentType: string; text: string }> {
  const { body, ...about } = await it.client.auditEvents.export({
    query: { format: 'ndjson', ...query } as never,
  })
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece))
  return { ...about, text: Buffer.concat(pieces).toString('utf8') }
}

test('events are found by span, kind, action, actor, subject and request, alone and together', async () => {
  const span = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00+00:00' }
  expect(await list(span)).toHaveLength(60)
  expect(await list({ ...span, actor: 'ada' })).toHaveLength(30)
  expect(await list({ ...span, kind: 'key' })).toHaveLength(20)
  expect(await list({ ...span, kind: 'key-rotation' })).toHaveLength(40)
  expect(await list({ ...span, action: 'key.revoked', actor: 'ada', subjectId: 'key_3' })).toHaveLength(2)
  expect((await list({ requestId: 'req_7' })).map((event) => event.id)).toEqual([
    `aud_${'7'.padStart(26, '0')}`,
  ])
  expect(await list({ kind: 'nothing' })).toEqual([])
})

test('an export holds every matching event once, in each format, however many pages it takes', async () => {
  const lines = (await file({ actor: 'ada' })).text.trim().split('\n')
  const events = lines.map((line) => JSON.parse(line))
  expect(events).toHaveLength(COUNT / 2)
  expect(new Set(events.map((event) => event.id)).size).toBe(COUNT / 2)
  expect(events[0]).toMatchObject({
    actor: 'ada',
    subject_id: expect.any(String),
    before: { last_four: 'a"b,c' },
  })
  const array = await file({ format: 'json', actor: 'ada' })
  expect(JSON.parse(array.text)).toEqual(events)
  expect(array.fileName).toMatch(/^audit-events-\d{4}-\d\d-\d\d\.json$/)
  expect(JSON.parse((await file({ format: 'json', kind: 'nothing' })).text)).toEqual([])
})

test('in CSV every field keeps its place, and no spreadsheet runs what somebody called himself', async () => {
  const csv = await file({ format: 'csv', to: '2026-01-01T00:02:00Z' })
  expect(csv.contentType).toContain('text/csv')
  const escaped = '"{""last_four"":""a\\""b,c""}"'
  const lines = csv.text.split('\r\n').map((line) => line.replace(/,[0-9a-f]{64},[0-9a-f]{64}$/, ',hashes'))
  expect(lines).toEqual([
    'number,id,at,actor,role,address,action,subject_id,request_id,result,code,before,after,previous_hash,hash',
    `2,aud_${'1'.padStart(26, '0')},2026-01-01T00:01:00.000Z,ada,admin,10.0.0.1,key-rotation.created,key_1,req_1,done,,${escaped},,hashes`,
    `1,aud_${'0'.padStart(26, '0')},2026-01-01T00:00:00.000Z,"'=HYPERLINK(""x"")",admin,10.0.0.1,key.revoked,key_0,req_0,done,,${escaped},,hashes`,
    '',
  ])
  const answer = await it.ask('GET', '/api/v1/audit-events/export?format=csv&actor=ada')
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-events-.*\.csv"$/)
  const wrong = await it.ask('GET', '/api/v1/audit-events/export?format=xls')
  expect([wrong.status, wrong.json.errors[0].pointer]).toEqual([400, '?format'])
})
