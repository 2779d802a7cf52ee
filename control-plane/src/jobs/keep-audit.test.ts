/** The audit log is kept by whole months, loses none of its proof by it, and is anchored outside. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migratedDatabase, testKeeper } from '../../../tests/admin/harness.ts'
import { type OpenDatabase, openDatabase } from '../database/open.ts'
import { anchorFile, anchorStatement } from '../resources/audit-events/anchor-file.ts'
import { appendAuditEvents, beginAuditChain } from '../resources/audit-events/append.ts'
import { verifyAuditLog } from '../resources/audit-events/verify.ts'
import { keepAuditOnce } from './keep-audit.ts'

let open: OpenDatabase
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'))
  const { url } = await migratedDatabase()
  open = openDatabase({ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 2, log: () => {} })
})
afterAll(async () => {
  await open.close()
  await rm(folder, { recursive: true })
})

const file = () => anchorFile(join(folder, 'anchors.ndjson'))
const keeper = () => testKeeper(file())
const report = () => verifyAuditLog(open.db, keeper(), '2026-01-01T00:00:00.000Z')
const keep = (at: string, keptDays: number) =>
  keepAuditOnce({ ...plan(), clock: { nowMs: () => Date.parse(at) }, keptDays })
const plan = () => ({ db: open.db, log: () => {}, keeper: keeper() })

let made = 0
async function add(...at: string[]): Promise<void> {
  const events = at.map((instant) => ({
    id: `aud_${String(made++).padStart(26, '0')}`,
    at: new Date(instant).toISOString(),
    ...{ actor: 'ada', role: null, address: null, action: 'key.revoked', subjectId: null, requestId: 'req' },
    ...{ result: 'done' as const, code: null, before: null, after: null },
  }))
  await open.db.transaction().execute((db) => appendAuditEvents(db, events, keeper()))
}

test('events from before the chain are hashed once, and then are as fixed as all others', async () => {
  const { db } = open
  await sql`alter table audit_events drop constraint audit_events_hash_check`.execute(db)
  await sql`insert into audit_events (id, at, actor, action, request_id, before, after, number, result)
    values ('aud_old1', '2025-11-05', 'eve', 'key.created', 'r', 'null', '{"a": 1}', 1, 'done'),
           ('aud_old2', '2025-11-06', 'eve', 'key.created', 'r', 'null', '{"b": [1.50]}', 2, 'done')`.execute(
    db,
  )
  await beginAuditChain(db, keeper())
  await beginAuditChain(db, keeper())
  expect(await report()).toMatchObject({ isWhole: true, events: 2 })
  await expect(
    sql`update audit_events set hash = previous_hash where number = 1`.execute(db),
  ).rejects.toThrow('only ever added')
})

test('a month is sealed once a later event follows, removed whole in its time, and the rest still verifies', async () => {
  await add('2025-11-30T23:59:59Z', '2025-12-01T00:00:00Z', '2025-12-15T00:00:00Z', '2026-01-02T00:00:00Z')
  await keep('2026-01-10T00:00:00Z', 365)
  expect(await report()).toMatchObject({
    isWhole: true,
    events: 6,
    segments: 2,
    removedSegments: 0,
    anchors: 1,
  })
  await keep('2026-01-10T00:00:00Z', 30)
  expect(await report()).toMatchObject({
    ...{
      isWhole: true,
      events: 3,
      firstNumber: 4,
      lastNumber: 6,
      segments: 2,
      removedSegments: 1,
      anchors: 1,
    },
  })
  const [tombstone] = await open.db.selectFrom('auditSegments').selectAll().orderBy('number').execute()
  // What was removed must have been what an anchor on its end says, as far as one was made there.
  const anchored = async (hash: string) => {
    const unsigned = { at: '2025-12-31T00:00:00.000Z', number: 3, hash }
    const anchor = { ...unsigned, signature: keeper().sign(anchorStatement(unsigned)) }
    const anchors = { append: async () => {}, read: async () => [...(await file().read()), anchor] }
    return verifyAuditLog(open.db, testKeeper(anchors), '2026-01-11T00:00:00.000Z')
  }
  expect((await anchored(tombstone?.lastHash ?? '')).isWhole).toBe(true)
  expect((await anchored('0'.repeat(64))).faults).toMatchObject([{ number: 3, kind: 'anchor' }])
  expect(tombstone).toMatchObject({ firstNumber: 1, lastNumber: 3, removedAt: '2026-01-10T00:00:00.000Z' })
  await expect(sql`delete from audit_events where number = 4`.execute(open.db)).rejects.toThrow(
    'only ever added',
  )
  await expect(sql`delete from audit_segments`.execute(open.db)).rejects.toThrow('only ever added')
  await expect(sql`update audit_head set number = 2`.execute(open.db)).rejects.toThrow('only moves on')
})

test('not even a replicating connection passes by the triggers', async () => {
  const work = open.db.transaction().execute(async (db) => {
    await sql`set local session_replication_role = replica`.execute(db)
    await sql`delete from audit_events`.execute(db)
  })
  await expect(work).rejects.toThrow('only ever added')
})

test('a month removed without its signature is found, whoever marks it', async () => {
  await expect(
    open.db.transaction().execute(async (db) => {
      await sql`update audit_segments set removed_at = now(), removal_signature = repeat('0', 128)
        where number = 2`.execute(db)
      await sql`delete from audit_events where number <= 5`.execute(db)
      const { faults } = await verifyAuditLog(db, keeper(), '2026-01-01T00:00:00.000Z')
      expect(faults).toMatchObject([
        { number: 4, kind: 'segment', message: expect.stringContaining('not removed') },
      ])
      throw new Error('taken back')
    }),
  ).rejects.toThrow('taken back')
})

test('an anchor is written when there is news, and a file that cannot be written fails the job, not the log', async () => {
  await keep('2026-01-11T00:00:00Z', 365)
  expect(await file().read()).toHaveLength(1)
  await add('2026-01-12T00:00:00Z')
  await keep('2026-01-12T00:00:00Z', 365)
  expect((await file().read()).map((anchor) => anchor.number)).toEqual([6, 7])
  const nowhere = testKeeper(anchorFile(join(folder, 'no-such-folder', 'anchors')))
  await add('2026-01-13T00:00:00Z')
  const clock = { nowMs: () => Date.parse('2026-01-13T00:00:00Z') }
  await expect(keepAuditOnce({ ...plan(), keeper: nowhere, clock, keptDays: 365 })).rejects.toThrow('ENOENT')
  expect(await report()).toMatchObject({ isWhole: true, lastNumber: 8 })
})
