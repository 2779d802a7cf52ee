/** Stored secrets go in and never come out; gateways get them sealed; literals are refused, found and moved. */
import { sealedSecrets } from '@headgate/adapters/secrets/sealed'
import { secretSealer } from '@headgate/adapters/secrets/sealer'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  memoryPorts,
  SEALING_KEY,
  startTestPlane,
  type TestPlane,
  until,
} from '../../../../tests/admin/harness.ts'
import { scanForSecrets } from '../secret-findings/scan.ts'

const VALUE = 'a-value-that-has-no-known-form'
let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

const resource = (name: string, secretRef: string) => ({
  ...{ name, secretRef: secretRef as never, apiStyle: 'openai' as const, origin: 'https://api.openai.com' },
})

/** What a gateway resolves `db://name` to, from what was published. */
async function published(name: string, key = SEALING_KEY): Promise<string> {
  const document = await it.ports.catalogFeed.newerThan(0)
  const source = sealedSecrets(secretSealer(key))
  source.take(document?.sealedSecrets ?? [])
  return source.read(name) as string
}

test('a value goes in once and is shown by nothing; what is shown tells values apart', async () => {
  const made = await it.client.secrets.create({ body: { name: 'openai', value: VALUE } })
  expect(made).toMatchObject({ name: 'openai', ref: 'db://openai', version: 1 })
  const same = await it.client.secrets.create({ body: { name: 'same', value: VALUE } })
  expect(same.fingerprint).toBe(made.fingerprint)
  const answers = [
    await it.ask('GET', '/api/v1/secrets'),
    await it.ask('GET', `/api/v1/secrets/${made.id}`),
    await it.ask('GET', '/api/v1/audit-events?kind=secret'),
    await it.ask('POST', '/api/v1/secrets?dry_run=true', { body: { name: 'third', value: VALUE } }),
  ]
  for (const { status, text } of answers) {
    expect(status).toBe(200)
    expect(text).not.toContain(VALUE)
    expect(text).not.toContain('"sealed"')
  }
})

test('gateways get it sealed once a resource refers to it, and the new value with the next catalog', async () => {
  await it.client.resources.create({ body: resource('by-db', 'db://openai') })
  expect(await published('openai')).toBe(VALUE)
  await expect(published('same')).rejects.toThrow('no stored secret')
  const { data } = await it.client.secrets.list({ query: { q: 'openai' } })
  const params = { secretId: data[0]?.id ?? '' }
  const rotated = await it.client.secrets.rotate({ params, body: { value: `${VALUE}-2` } })
  expect(rotated.version).toBe(2)
  await until(async () => (await published('openai')) === `${VALUE}-2`, 'the new value')
  const versions = await it.db.selectFrom('catalogVersions').select('document').execute()
  expect(JSON.stringify(versions)).not.toContain('"sealed"')
})

test('a reference to a secret that is not there is refused, and so is the removal of one that is used', async () => {
  const unknown = await it.ask('POST', '/api/v1/resources', { body: { ...wire('x', 'db://nowhere') } })
  expect([unknown.status, unknown.json.errors[0].pointer]).toEqual([400, '/secret_ref'])
  const { data } = await it.client.secrets.list({ query: { q: 'openai' } })
  const used = await it.ask('DELETE', `/api/v1/secrets/${data[0]?.id}`)
  expect([used.status, used.json.errors[0].code]).toEqual([409, 'in_use'])
})

const wire = (name: string, ref: string) => ({
  ...{ name, secret_ref: ref, api_style: 'openai', origin: 'https://api.openai.com' },
})

test('the sealing key is changed without a moment in which nothing opens', async () => {
  const next = 'the next sealing key of the tests; long enough'
  const ports = { ...memoryPorts(), sealer: secretSealer(`${next},${SEALING_KEY}`) }
  const second = await startTestPlane({ databaseUrl: it.databaseUrl, ports })
  const { resealed } = await second.client.secrets.reseal({})
  expect(resealed).toBe(2)
  const rows = await it.db.selectFrom('secrets').select(['name', 'sealed']).execute()
  for (const { name, sealed } of rows) expect(secretSealer(next).open(name, sealed)).toContain(VALUE)
  expect((await second.client.secrets.reseal({})).resealed).toBe(0)
  await second.stop()
})

test('without a sealing key nothing is stored, and the answer names the setting', async () => {
  const without = await startTestPlane({ ports: { ...memoryPorts(), sealer: null } })
  const answer = await without.ask('POST', '/api/v1/secrets', { body: { name: 'x', value: VALUE } })
  await without.stop()
  expect([answer.status, answer.json.detail]).toEqual([409, expect.stringContaining('HEADGATE_SEALING_KEY')])
})

test.each([
  ['/api/v1/teams', { name: 'sk-proj-abcdefghijklmnop' }, '/name'],
  ['/api/v1/resources', wire('x', 'sk-proj-abcdefghijklmnop'), '/secret_ref'],
  [
    '/api/v1/drafts',
    { name: 'd', items: [{ operation: 'teams.create', body: { name: 'AKIAIOSFODNN7EXAMPLE' } }] },
    '',
  ],
  [
    '/api/v1/drafts',
    { name: 'd', items: [{ operation: 'secrets.create', body: { name: 'x', value: VALUE } }] },
    '',
  ],
])('a literal secret sent to %s is refused with a pointer and not repeated', async (path, body, pointer) => {
  const { status, json, text } = await it.ask('POST', path, { body })
  expect(status).toBe(400)
  expect(json.errors[0].pointer).toContain(pointer)
  expect(text).not.toMatch(/sk-proj-abc|AKIAIOSF|no-known-form/)
})

test('the secrets audit finds a planted secret in any text or JSON column, and nothing else in the rest', async () => {
  expect(await it.client.secretFindings.list({})).toMatchObject({ data: [], isComplete: true })
  const team = await it.client.teams.create({ body: { name: 'planted' } })
  const random = 'Zq8vN3kLw7RtY2mBp5XcJ9dHf4GsA6eU1oKi'
  await sql`update teams set name = 'key sk-proj-abcdefghijklmnop of old' where id = ${team.id}`.execute(
    it.db,
  )
  await sql`insert into archived_things (id, kind, archived_at, archived_by, thing) values ('res_x', 'resource', now(),
    'ada', ${JSON.stringify({ note: { deep: ['AKIAIOSFODNN7EXAMPLE', random] } })})`.execute(it.db)
  const { data, columns } = await it.client.secretFindings.list({})
  expect(columns).toBeGreaterThan(60)
  expect(data.map(({ table, column, kind, isMovable }) => [table, column, kind, isMovable])).toEqual([
    ['archived_things', 'thing', 'credential', true],
    ['archived_things', 'thing', 'random', true],
    ['teams', 'name', 'credential', true],
  ])
  for (const place of data)
    await it.client.secretFindings.move({
      body: { table: place.table, column: place.column, id: place.id ?? '' },
    })
  // Versions of the catalog that were compiled meanwhile hold the name: history, told and left alone.
  const left = (await it.client.secretFindings.list({})).data
  expect(left.filter((finding) => finding.isMovable)).toEqual([])
  expect(new Set(left.map(({ table }) => table))).toEqual(new Set(['catalog_versions']))
  const after = await it.client.teams.read({ params: { teamId: team.id } })
  expect(after.name).toMatch(/^key db:\/\/found-[0-9a-z]{26} of old$/)
  const name = after.name.split(' ')[1]?.slice('db://'.length) ?? ''
  const row = await it.db
    .selectFrom('secrets')
    .select('sealed')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  expect(secretSealer(SEALING_KEY).open(name, row.sealed)).toBe('sk-proj-abcdefghijklmnop')
})

test('a column that takes too long is told to be unread, and holds up none of the others', async () => {
  const { id } = await it.client.teams.create({ body: { name: 'planted again' } })
  await sql`update teams set name = 'glpat-0123456789abcdefghij' where id = ${id}`.execute(it.db)
  const held = await it.db.transaction().execute(async (transaction) => {
    await sql`lock table drafts in access exclusive mode`.execute(transaction)
    return scanForSecrets(it.db, (text) => text, { columnMs: 300 })
  })
  expect(new Set(held.unread.map(({ table }) => table))).toEqual(new Set(['drafts']))
  expect(held.isComplete).toBe(false)
  expect(held.data.map(({ table, column }) => `${table}.${column}`)).toContain('teams.name')
})

test('what is history is reported and not touched', async () => {
  const answer = await it.ask('POST', '/api/v1/secret-findings/move', {
    body: { table: 'audit_events', column: 'after', id: 'aud_x' },
  })
  expect(answer.status).toBe(409)
  const nowhere = await it.ask('POST', '/api/v1/secret-findings/move', {
    body: { table: 'pg_class', column: 'relname', id: 'x' },
  })
  expect(nowhere.status).toBe(404)
})
