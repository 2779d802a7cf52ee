/** The audit log cannot be changed unseen: each way of doing it is done here, with triggers off, and found. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditReport } from '@headgate/admin-contract/audit-events'
import { auditBytes, CHAIN_BEGIN } from '@headgate/domain/audit-chain'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestKey, startTestPlane, type TestPlane, testKeeper } from '../../../../tests/admin/harness.ts'
import { verifyExport } from '../../verify-export.ts'
import { anchorFile } from './anchor-file.ts'
import { appendAuditEvents, headStatement, type NewAuditEvent } from './append.ts'
import { auditKeeper } from './keeper.ts'
import { sha256 } from './signature.ts'
import { verifyAuditLog } from './verify.ts'

const COUNT = 40
let it: TestPlane
let folder: string
let anchorsPath: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'))
  anchorsPath = join(folder, 'anchors.ndjson')
  it = await startTestPlane({ anchorsFile: anchorsPath })
  await append(it.db, COUNT)
  await it.client.auditAnchors.create({})
})
afterAll(async () => {
  await it.stop()
  await rm(folder, { recursive: true })
})

type Db = TestPlane['db']

function eventsOf(count: number): NewAuditEvent[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `aud_${String(n).padStart(26, '0')}`,
    at: new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString(),
    actor: 'ada',
    role: 'admin',
    address: n % 2 === 0 ? null : '10.0.0.1',
    action: 'key.revoked',
    subjectId: `key_${n}`,
    requestId: `req_${n}`,
    result: 'done',
    code: null,
    before: { name: 'é "ü"', list: [1, 2.5, null, { teamId: 't' }] },
    after: null,
  }))
}

function append(db: Db, count: number): Promise<void> {
  return db.transaction().execute((tx) => appendAuditEvents(tx, eventsOf(count), testKeeper()))
}

class TakenBack extends Error {}

/** Does something to the tables as somebody who owns the database may, looks at the report, and takes it back. */
async function reportAfter(tamper: (db: Db) => Promise<unknown>): Promise<AuditReport> {
  let report: AuditReport | undefined
  const work = it.db.transaction().execute(async (db) => {
    for (const table of ['audit_events', 'audit_head', 'audit_segments'])
      await sql`alter table ${sql.table(table)} disable trigger all`.execute(db)
    await tamper(db)
    report = await verifyAuditLog(db, testKeeper(anchorFile(anchorsPath)), new Date().toISOString())
    throw new TakenBack()
  })
  await work.catch((fault: unknown) => {
    if (!(fault instanceof TakenBack)) throw fault
  })
  return report as AuditReport
}

const kindsOf = (report: AuditReport) => report.faults.map(({ kind }) => kind)
const firstFault = (report: AuditReport) => {
  const { number, kind } = report.faults[0] ?? { number: null, kind: null }
  return [report.isWhole, number, kind]
}

test('a log that nobody touched is whole, and the operation says so with the public key', async () => {
  const report = await it.client.auditEvents.verify({})
  expect(report).toMatchObject({ isWhole: true, faults: [], firstNumber: 1 })
  expect(report.events).toBeGreaterThanOrEqual(COUNT + 1)
  expect(report.lastAnchoredNumber).toBeGreaterThanOrEqual(COUNT)
  expect(report.publicKey).toMatch(/^[0-9a-f]{64}$/)
})

const edits: [string, string][] = [
  ['id', `'aud_${'Z'.repeat(26)}'`],
  ['at', `at + interval '1 millisecond'`],
  ['actor', `actor || ' '`],
  ['role', 'null'],
  ['address', `''`],
  ['action', `'key.created'`],
  ['subject_id', `'key_other'`],
  ['request_id', `'req_other'`],
  ['result', `'refused'`],
  ['code', `'forbidden'`],
  ['before', `jsonb_set(before, '{list,1}', '2.6')`],
  ['after', `'{}'`],
  ['previous_hash', `repeat('1', 64)`],
  ['hash', `repeat('2', 64)`],
]

test.each(edits)('an edit of %s is found at its event', async (column, value) => {
  const report = await reportAfter((db) =>
    sql`update audit_events set ${sql.ref(column)} = ${sql.raw(value)} where number = 8`.execute(db),
  )
  expect(firstFault(report)).toEqual([false, 8, 'changed'])
})

describe('a deletion is found where it begins:', () => {
  test.each([
    ['the first', 'number = 1', 1],
    ['one in the middle', 'number = 17', 17],
    ['several', 'number between 5 and 9', 5],
  ])('%s', async (_, where, number) => {
    const report = await reportAfter((db) =>
      sql`delete from audit_events where ${sql.raw(where)}`.execute(db),
    )
    expect(firstFault(report)).toEqual([false, number, 'missing'])
  })

  test.each([
    ['the last', 1],
    ['the last ten', 10],
    ['all', 1_000_000],
  ])('%s', async (_, count) => {
    const report = await reportAfter((db) =>
      sql`delete from audit_events where number in
        (select number from audit_events order by number desc limit ${count})`.execute(db),
    )
    expect(report.faults.map((fault) => fault.kind)).toContain('cut_tail')
    expect(report.faults.at(-1)?.number).toBe(report.lastNumber + 1)
  })
})

test('two events that change places, a repeated and an inserted one are found at the first of them', async () => {
  const swapped = await reportAfter(async (db) => {
    await sql`update audit_events set number = -number where number in (6, 7)`.execute(db)
    await sql`update audit_events set number = 13 + number where number < 0`.execute(db)
  })
  expect(firstFault(swapped)).toEqual([false, 6, 'changed'])
  const repeated = await reportAfter(async (db) => {
    await sql`drop index audit_events_number`.execute(db)
    await sql`insert into audit_events select 'aud_twice', at, actor, action, subject_id, request_id, before, after,
      number, role, address, result, code, previous_hash, hash from audit_events where number = 9`.execute(db)
  })
  expect(repeated.faults.map(({ number }) => number)).toContain(9)
  const inserted = await reportAfter(async (db) => {
    await sql`update audit_events set number = number + 1000 where number >= 20`.execute(db)
    await sql`update audit_events set number = number - 999 where number >= 1000`.execute(db)
    await sql`insert into audit_events select 'aud_new', at, actor, action, subject_id, request_id, before, after,
      20, role, address, result, code, previous_hash, hash from audit_events where number = 19`.execute(db)
  })
  expect(inserted.faults[0]?.number).toBe(20)
})

test('events that somebody hangs on behind the head are found, however right their hashes', async () => {
  const hung = await reportAfter(async (db) => {
    const [last] = await db.selectFrom('auditEvents').selectAll().orderBy('number', 'desc').limit(1).execute()
    if (last === undefined) throw new Error('there are events')
    const forged = {
      ...last,
      id: 'aud_hung_on',
      number: last.number + 1,
      actor: 'eve',
      previousHash: last.hash,
    }
    const [before, after] = [JSON.stringify(last.before), JSON.stringify(last.after)]
    const row = { ...forged, before, after, hash: sha256(auditBytes(forged)) }
    await db.insertInto('auditEvents').values(row).execute()
  })
  expect([hung.isWhole, kindsOf(hung)]).toEqual([false, ['head']])
  expect(hung.faults[0]?.message).toContain('does not know')
})

/** What somebody does who knows how the log is made: without the key, or with it. */
async function rewriteAll(db: Db, keeper: ReturnType<typeof testKeeper>): Promise<void> {
  let hash = CHAIN_BEGIN
  let number = 0
  for (const event of await db.selectFrom('auditEvents').selectAll().orderBy('number').execute()) {
    const forged = { ...event, actor: 'nobody', previousHash: hash }
    hash = sha256(auditBytes(forged))
    number = event.number
    await db
      .updateTable('auditEvents')
      .set({ actor: 'nobody', previousHash: forged.previousHash, hash })
      .where('number', '=', number)
      .execute()
  }
  const head = { number, hash }
  await db
    .updateTable('auditHead')
    .set({ ...head, signature: keeper.sign(headStatement(head)) })
    .execute()
}

test('a log made anew with right hashes is found by its head without the key, by the anchors with it', async () => {
  const stranger = auditKeeper('another key of somebody without ours', {
    anchors: null,
    fingerprint: digestKey,
  })
  const forged = await reportAfter((db) => rewriteAll(db, stranger))
  expect(kindsOf(forged)).toEqual(expect.arrayContaining(['anchor', 'head']))
  const insider = await reportAfter((db) => rewriteAll(db, testKeeper()))
  expect(kindsOf(insider)).toContain('anchor')
  expect(kindsOf(insider)).not.toContain('head')
})

test('an old state of the database, put back whole, is found by the anchors', async () => {
  const old = await startTestPlane({ anchorsFile: anchorsPath })
  const report = await old.client.auditEvents.verify({})
  await old.stop()
  expect(report.faults[0]).toMatchObject({ number: 1, kind: 'cut_tail' })
  expect(report.isWhole).toBe(false)
})

test('an anchor that somebody else made is told from ours', async () => {
  const path = join(folder, 'forged.ndjson')
  const anchor = JSON.parse((await readFile(anchorsPath, 'utf8')).trim().split('\n').at(-1) ?? '')
  await writeFile(path, `${JSON.stringify({ ...anchor, number: 3 })}\n`)
  const report = await verifyAuditLog(it.db, testKeeper(anchorFile(path)), new Date().toISOString())
  expect(firstFault(report)).toEqual([false, 3, 'anchor'])
})

describe('an exported log is verified without the database', () => {
  const file = async (order: (lines: string[]) => string[]): Promise<string[]> => {
    const { body } = await it.client.auditEvents.export({ query: { format: 'ndjson' } as never })
    let text = ''
    for await (const piece of body) text += Buffer.from(piece as Uint8Array).toString('utf8')
    const path = join(folder, 'export.ndjson')
    await writeFile(path, order(text.trim().split('\n')).join('\n'))
    return [path]
  }
  const outside = async () => [
    ...['--anchors', anchorsPath],
    ...['--public-key', (await it.client.auditEvents.verify({})).publicKey],
  ]

  test('in either order', async () => {
    const newestFirst = await verifyExport([...(await file((lines) => lines)), ...(await outside())])
    expect(newestFirst).toMatchObject({ isWhole: true, text: expect.stringContaining('anchors; whole') })
    const oldestFirst = await verifyExport(await file((lines) => lines.reverse()))
    expect(oldestFirst.isWhole).toBe(true)
  })

  test.each<[string, (lines: string[]) => string[], string]>([
    ['an edit', (lines) => lines.map((line) => line.replace('"req_7"', '"req_8"')), 'event 8: changed'],
    ['a deletion', (lines) => lines.filter((line) => !line.includes('"req_7"')), 'event 8: missing'],
    ['a cut tail', (lines) => lines.slice(-5), 'event 6: cut_tail'],
    ['a cut beginning', (lines) => lines.slice(0, -5), ''],
  ])('%s is found', async (_, order, expected) => {
    const { text, isWhole } = await verifyExport([...(await file(order)), ...(await outside())])
    expect(text).toContain(expected)
    expect(isWhole).toBe(expected === '')
  })

  test('faults of the command are told in one sentence', async () => {
    await expect(verifyExport([])).rejects.toThrow('usage: verify-audit')
    await expect(verifyExport(await file(() => ['{}']))).rejects.toThrow('line 1 of the export')
    await expect(verifyExport(['x', '--anchors', 'y'])).rejects.toThrow('given together')
  })
})
