/** A change is whole or not at all: the thing, its audit event, the catalog; and nothing of it holds a secret. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, digestKey, startTestPlane, type TestPlane, until } from '../../tests/admin/harness.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

const events = async () => (await it.client.auditEvents.list({ query: { limit: 200 } })).data

test('a change leaves one audit event with who, what, before and after', async () => {
  const before = (await events()).length
  const team = await it.client.teams.create({ body: { name: 'audited', allowedModels: ['a'] } })
  const [latest, ...rest] = await events()
  expect(rest.length).toBe(before)
  expect(latest).toMatchObject({
    actor: 'admin-token',
    action: 'team.created',
    subjectId: team.id,
    before: null,
    after: team,
  })
  expect(await it.client.auditEvents.read({ params: { eventId: latest!.id } })).toEqual(latest)
})

test('whatever is refused leaves no event of a change', async () => {
  const team = await it.client.teams.create({ body: { name: 'refusals' } })
  const done = async () => (await events()).filter((event) => event.result === 'done')
  const before = await done()
  await it.ask('POST', '/api/v1/teams', { body: { name: 'refusals' } })
  await it.ask('POST', '/api/v1/teams', { body: { name: '' } })
  await it.ask('POST', '/api/v1/teams', { token: null, body: { name: 'nobody' } })
  await it.ask('POST', '/api/v1/keys', { body: { name: 'x', app_id: team.id } })
  await it.ask('GET', '/api/v1/teams')
  expect(await done()).toEqual(before)
})

test('a repeated revocation changes nothing and leaves no second event', async () => {
  const team = await it.client.teams.create({ body: { name: 'revokers' } })
  const app = await it.client.apps.create({ body: { name: 'app', teamId: team.id } })
  const key = await it.client.keys.create({ body: { name: 'k', appId: app.id } })
  for (let i = 0; i < 3; i++) await it.client.keys.revoke({ params: { keyId: key.id } })
  const { data } = await it.client.auditEvents.list({ query: { subjectId: key.id } })
  expect(data.map((event) => event.action)).toEqual(['key.revoked', 'key.created'])
  expect(data[0]).toMatchObject({ before: { state: 'active' }, after: { state: 'revoked' } })
})

test('history cannot be rewritten: audit events are neither changed nor removed', async () => {
  for (const statement of [
    sql`update audit_events set actor = 'nobody'`,
    sql`delete from audit_events`,
    sql`truncate audit_events`,
  ])
    await expect(statement.execute(it.db)).rejects.toThrow('audit events are only ever added')
})

test('no column of any table, and no line of the log, holds a key or the admin token', async () => {
  const team = await it.client.teams.create({ body: { name: 'secrets' } })
  const app = await it.client.apps.create({ body: { name: 'app', teamId: team.id } })
  const key = await it.client.keys.create({ body: { name: 'k', appId: app.id, environment: 'test' } })
  const tables = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = 'public'`.execute(it.db)
  expect(tables.rows.length).toBeGreaterThan(12)
  let stored = ''
  for (const { name } of tables.rows) {
    const rows = await sql<{ row: string }>`select t::text as row from ${sql.table(name)} t`.execute(it.db)
    stored += rows.rows.map(({ row }) => row).join('\n')
  }
  expect(stored).toContain(key.id)
  expect(stored).toContain(digestKey(key.secret))
  const body = key.secret.slice('hg_test_'.length, -6)
  for (const secret of [key.secret, body, ADMIN_TOKEN]) {
    expect(stored).not.toContain(secret)
    expect(JSON.stringify(it.logLines)).not.toContain(secret)
  }
})

test('a key works for gateways when its creation is answered, and is revoked when its revocation is', async () => {
  const team = await it.client.teams.create({ body: { name: 'published' } })
  const app = await it.client.apps.create({ body: { name: 'app', teamId: team.id } })
  const expiresAt = '2090-01-01T00:00:00Z'
  const key = await it.client.keys.create({
    body: { name: 'k', appId: app.id, tokensPerMinute: 5, expiresAt },
  })
  const found = () => it.ports.keyPublisher.find(digestKey(key.secret))
  expect(await found()).toEqual({
    id: key.id,
    name: 'k',
    teamId: team.id,
    appId: app.id,
    userId: null,
    state: 'active',
    allowedModels: null,
    requestsPerMinute: null,
    limits: [],
    rotation: null,
    budgets: [],
    tokensPerMinute: 5,
    digest: digestKey(key.secret),
    expiresAtMs: Date.parse(expiresAt),
  })
  await it.client.keys.revoke({ params: { keyId: key.id } })
  expect(await found()).toMatchObject({ state: 'revoked' })
})

test('changes made at once all land, and versions number them without gap or repeat', async () => {
  const from = (await it.client.catalog.read()).version
  await Promise.all(
    Array.from({ length: 12 }, (_, i) => it.client.modelAliases.create({ body: { name: `at-once-${i}` } })),
  )
  const { version } = await it.client.catalog.read()
  expect(version).toBe(from + 12)
  await until(async () => (await it.ports.catalogFeed.newerThan(version - 1)) !== null, 'the last version')
  const document = await it.ports.catalogFeed.newerThan(0)
  expect(document?.aliases.filter((alias) => alias.name.startsWith('at-once-'))).toHaveLength(12)
})
