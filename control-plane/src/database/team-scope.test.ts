/** What somebody of some teams meets in the database: their rows, none of others, and nothing that was forgotten. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migratedDatabase } from '../../../tests/admin/harness.ts'
import { type OpenDatabase, openDatabase } from './open.ts'
import { inTeamScope, makeTeamScope } from './team-scope.ts'

/** Tables that nobody scoped needs. A new table is named here or has a view in team-scope.sql. */
const absent = new Set(
  `agreements alert_channels alert_deliveries archived_things audit_events audit_head audit_segments catalog_versions drafts idempotent_replies model_entries outbox_cursors prices reratings
  role_mappings routes schema_migrations secrets sessions sign_ins team_scope usage_batches usage_checks usage_dead_letters usage_sink_refusals usage_sinks`.split(
    /\s+/,
  ),
)
const [A, B] = ['A', 'B'].map((letter) => `team_${letter.repeat(26)}`) as [string, string]

let url: string
let it: OpenDatabase
beforeAll(async () => {
  url = (await migratedDatabase()).url
  it = openDatabase({ url, name: 'test', statementTimeoutMs: 5_000, connectionsMax: 1, log: () => {} })
  for (const id of [A, B])
    await it.db.insertInto('teams').values({ id, name: id, allowedModels: null, createdAt: 'now' }).execute()
})
afterAll(() => it.close())

test('every table has a view for teams or is said to need none', async () => {
  const { rows } = await sql<{ name: string; hasView: boolean }>`
    select relname as name, exists (select from pg_views where schemaname = 'scoped' and viewname = relname) as has_view
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`.execute(
    it.db,
  )
  expect(rows.filter((one) => one.hasView === absent.has(one.name))).toEqual([])
  expect(rows.length).toBeGreaterThan(30)
})

test('a connection is scoped as long as it is taken, and whole again for the next', async () => {
  const idsOf = async (db: OpenDatabase['db']) =>
    (await db.selectFrom('teams').select('id').orderBy('id').execute()).map((row) => row.id)
  for (let i = 0; i < 3; i++) {
    expect(await idsOf(it.scopedTo([A]))).toEqual([A])
    expect(await idsOf(it.db)).toEqual([A, B])
    expect(await idsOf(it.scopedTo([A, B]))).toEqual([A, B])
    await expect(sql`select * from audit_events`.execute(it.scopedTo([A]))).rejects.toThrow('does not exist')
    await expect(
      it
        .scopedTo([B])
        .transaction()
        .execute((db) => sql`select 1 / 0`.execute(db)),
    ).rejects.toThrow()
  }
})

test('a part of a transaction is scoped, for reads, changes and new rows, and what follows is not', async () => {
  await it.db.transaction().execute(async (db) => {
    const changed = await inTeamScope(db, [A], async () => {
      await db
        .insertInto('apps')
        .values({ id: `app_${'A'.repeat(26)}`, teamId: A, name: 'a', allowedModels: null, createdAt: 'now' })
        .execute()
      return db.updateTable('teams').set({ name: 'renamed' }).returning('id').execute()
    })
    expect(changed).toEqual([{ id: A }])
    expect(await db.selectFrom('auditEvents').select('id').execute()).toEqual([])
  })
  const foreign = it.db.transaction().execute((db) =>
    inTeamScope(db, [A], () =>
      db
        .insertInto('apps')
        .values({ id: `app_${'B'.repeat(26)}`, teamId: B, name: 'b', allowedModels: null, createdAt: 'now' })
        .execute(),
    ),
  )
  await expect(foreign).rejects.toMatchObject({ code: '44000' })
})

test('in the schema for teams, nobody without teams sees anything', async () => {
  const seen = await it.db.transaction().execute(async (db) => {
    await sql`set local search_path = scoped`.execute(db)
    return db.selectFrom('teams').select('id').execute()
  })
  expect(seen).toEqual([])
})

test('making the views again changes nothing, and a lost schema comes back', async () => {
  await makeTeamScope(url)
  await sql`drop schema scoped cascade`.execute(it.db)
  await makeTeamScope(url)
  expect(await it.scopedTo([B]).selectFrom('teams').select('id').execute()).toEqual([{ id: B }])
})
