/** What every write of the admin API takes besides its body: the state it was made for, a rehearsal, a repeat. */
import { contract } from '@headgate/admin-contract/index'
import { type Operation, readerOf } from '@headgate/admin-contract/operation'
import { forgetOldReplies } from '@headgate/control-plane/jobs/forget-replies'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from './harness.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

const writes = Object.entries(contract).flatMap(([word, group]) =>
  (Object.entries(group) as [string, Operation][])
    .filter(([, operation]) => operation.method !== 'GET')
    .map(([name, operation]) => ({ name: `${word}.${name}`, operation, group })),
)
const guarded = writes.filter(({ operation }) => operation.method !== 'POST' && operation.path.includes('{'))
const nobody = 'key_00000000000000000000000000'
const pathOf = (operation: Operation) => `/api/v1${operation.path.replace(/\{\w+\}/g, nobody)}`
const newTeam = (name: string) => it.client.teams.create({ body: { name } })
const newTeamUnder = (idempotencyKey: string) =>
  it.client.teams.create({ body: { name: `under ${idempotencyKey}` }, idempotencyKey })
const events = async () =>
  (await it.client.auditEvents.list({ query: { limit: 200, result: 'done' } })).data.length

test.each(guarded)(
  '$name has a read at its path, and is refused without If-Match',
  async ({ operation, group }) => {
    expect(readerOf(group, operation)).toBeDefined()
    const body = operation.body === undefined ? undefined : {}
    const answer = await it.ask(operation.method, pathOf(operation), { ifMatch: null, body })
    expect([answer.status, answer.json.code]).toEqual([428, 'precondition_required'])
    expect(answer.json.errors[0]).toMatchObject({ pointer: 'If-Match', code: 'missing' })
  },
)

test('a read, its list entry and the write before it agree on the ETag, and an unchanged thing is not sent again', async () => {
  const made = await it.ask('POST', '/api/v1/teams', { body: { name: 'tagged' } })
  expect(made.headers.get('location')).toBe(`/api/v1/teams/${made.json.id}`)
  const etag = made.headers.get('etag')!
  expect(etag).toMatch(/^"[\w-]+"$/)
  const read = await it.ask('GET', `/api/v1/teams/${made.json.id}`)
  expect(read.headers.get('etag')).toBe(etag)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await it.ask('GET', `/api/v1/teams/${made.json.id}`, {
      headers: { 'if-none-match': known },
    })
    expect([again.status, again.text]).toEqual([304, ''])
  }
  const other = await it.ask('GET', `/api/v1/teams/${made.json.id}`, { headers: { 'if-none-match': '"x"' } })
  expect(other.status).toBe(200)
})

test('an answer names where the new thing is only if it is there', async () => {
  const body = {
    ...{ name: 'c', kind: 'webhook', url: 'https://alerts.example.com/', secret_ref: 'env://SIGNED_WITH' },
    muted_until: '2999-01-01T00:00:00Z',
  }
  const channel = await it.ask('POST', '/api/v1/alert-channels', { body })
  const location = channel.headers.get('location') ?? ''
  expect((await it.ask('GET', location)).json).toEqual(channel.json)
  const delivery = await it.ask('POST', `${location}/tests`)
  expect([delivery.status, delivery.headers.get('location')]).toEqual([201, null])
})

test('a change for another state is refused with the ETag there is now, and changes nothing', async () => {
  const team = await newTeam('seen')
  const seen = it.client.etagOf(team)!
  const params = { teamId: team.id }
  const mine = await it.client.teams.change({ params, body: { allowedModels: ['mine'] }, ifMatch: seen })
  const now = it.client.etagOf(mine)!
  const before = await events()
  for (const stale of [seen, `W/${now}`, '"nonsense"']) {
    const theirs = it.client.teams.change({ params, body: { allowedModels: ['theirs'] }, ifMatch: stale })
    await expect(theirs).rejects.toMatchObject({ status: 412, code: 'precondition_failed', etag: now })
    await expect(it.client.teams.remove({ params, ifMatch: stale })).rejects.toMatchObject({ status: 412 })
  }
  const malformed = await it.ask('PATCH', `/api/v1/teams/${team.id}`, {
    body: { name: 'x' },
    ifMatch: 'plain',
  })
  expect([malformed.status, malformed.json.errors[0].pointer]).toEqual([400, 'If-Match'])
  expect(await it.client.teams.read({ params })).toEqual(mine)
  expect(await events()).toBe(before)
})

test.each(['teams', 'keys'] as const)(
  'of ten who saw the same state of one of the %s, one changes it',
  async (word) => {
    const team = await newTeam(`contended ${word}`)
    const app = await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })
    const key = await it.client.keys.create({ body: { appId: app.id, name: 'key' } })
    const path = `/api/v1/${word}/${word === 'teams' ? team.id : key.id}`
    const etag = (await it.ask('GET', path)).headers.get('etag')
    const tries = Array.from({ length: 10 }, (_, n) =>
      it.ask('PATCH', path, { ifMatch: etag, body: { name: `${word} of ${n}` } }),
    )
    const statuses = (await Promise.all(tries)).map((answer) => answer.status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 412)).toHaveLength(9)
  },
)

test('a dry run says what would change, in the thing and in the catalog, and leaves nothing behind', async () => {
  const team = await newTeam('rehearsed')
  const [before, version] = [await events(), (await it.client.catalog.read()).version]
  const made = await it.client.modelAliases.create({ body: { name: 'not-yet' }, dryRun: true })
  expect(made).toMatchObject({ changed: true, before: null, after: { name: 'not-yet' } })
  expect(made.catalog).toEqual([
    expect.objectContaining({ kind: 'aliases', name: 'not-yet', change: 'added', before: null }),
  ])
  const params = { teamId: team.id }
  const changed = await it.client.teams.change({ params, body: { name: 'renamed' }, dryRun: true })
  expect(changed.catalog).toEqual([
    {
      ...{ kind: 'teams', id: team.id, name: 'renamed', change: 'changed' },
      ...{ before: { name: 'rehearsed' }, after: { name: 'renamed' } },
    },
  ])
  const same = await it.client.teams.change({ params, body: { name: 'rehearsed' }, dryRun: true })
  expect(same).toEqual({ changed: false, subjectId: null, before: null, after: null, catalog: null })
  expect((await it.client.teams.remove({ params, dryRun: true })).after).toBeNull()
  expect(await it.client.teams.read({ params })).toEqual(team)
  expect([await events(), (await it.client.catalog.read()).version]).toEqual([before, version])
})

test('a dry run is refused as the write would be, and shows no secret', async () => {
  const team = await newTeam('dry')
  const app = await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const taken = it.client.teams.create({ body: { name: 'dry' }, dryRun: true })
  await expect(taken).rejects.toMatchObject({ status: 409, faults: [{ pointer: '/name' }] })
  const inUse = it.client.teams.remove({ params: { teamId: team.id }, dryRun: true })
  await expect(inUse).rejects.toMatchObject({ status: 409, faults: [{ code: 'in_use' }] })
  const key = await it.ask('POST', '/api/v1/keys?dry_run=true', { body: { app_id: app.id, name: 'key' } })
  expect(key.status).toBe(200)
  expect(key.text).not.toMatch(/hg_live_|"secret"/)
  expect((await it.client.keys.list({ query: { appId: app.id } })).data).toEqual([])
  const odd = await it.ask('POST', '/api/v1/teams?dry_run=yes', { body: { name: 'x' } })
  expect([odd.status, odd.json.errors[0].pointer]).toEqual([400, '?dry_run'])
})

test('a repeat under an idempotency key is done once and answered the same, secret and all', async () => {
  const team = await newTeam('repeats')
  const app = await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const body = { app_id: app.id, name: 'made once' }
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const first = await it.ask('POST', '/api/v1/keys', { body, headers })
  const before = await events()
  const again = await it.ask('POST', '/api/v1/keys', { body, headers })
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null])
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
  expect(again.json).toEqual(first.json)
  expect(first.json.secret).toMatch(/^hg_live_/)
  expect(await events()).toBe(before)
  expect((await it.client.keys.list({ query: { appId: app.id } })).data).toHaveLength(1)
  const rows = await it.db.selectFrom('idempotentReplies').selectAll().execute()
  expect(rows.length).toBeGreaterThan(0)
  expect(JSON.stringify(rows)).not.toContain(first.json.secret.slice(8, 40))
  const other = await it.ask('POST', '/api/v1/keys', { body: { ...body, name: 'another' }, headers })
  expect([other.status, other.json.code]).toEqual([422, 'idempotency_key_reused'])
  const elsewhere = await it.ask('POST', '/api/v1/teams', { body: { name: 'elsewhere' }, headers })
  expect(elsewhere.status).toBe(201)
  for (const bad of ['a b', 'x'.repeat(201)]) {
    const answer = await it.ask('POST', '/api/v1/teams', {
      body: { name: 'x' },
      headers: { 'idempotency-key': bad },
    })
    expect([answer.status, answer.json.errors[0].pointer]).toEqual([400, 'Idempotency-Key'])
  }
})

test('of many at once under one key one is done; the others are its repeats or told to come again', async () => {
  const team = await newTeam('at once')
  const app = await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const body = { app_id: app.id, name: 'one' }
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => it.ask('POST', '/api/v1/keys', { body, headers })),
  )
  for (const answer of answers) expect([201, 409]).toContain(answer.status)
  const told = answers.filter((answer) => answer.status === 409)
  for (const answer of told) expect(answer.json.code).toBe('idempotency_in_progress')
  expect(
    new Set(answers.filter((answer) => answer.status === 201).map((answer) => answer.json.id)).size,
  ).toBe(1)
  expect((await it.client.keys.list({ query: { appId: app.id } })).data).toHaveLength(1)
})

test('a refused request keeps no answer, and after a day an answer is forgotten', async () => {
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const body = { name: 'refused first', team_id: 'team_00000000000000000000000000' }
  expect((await it.ask('POST', '/api/v1/apps', { body, headers })).status).toBe(400)
  const team = await newTeam('comes later')
  const later = await it.ask('POST', '/api/v1/apps', { body: { ...body, team_id: team.id }, headers })
  expect([later.status, later.headers.get('idempotency-replayed')]).toEqual([201, null])
  const dayAgo = new Date(Date.now() - 25 * 3_600_000).toISOString()
  await it.db.updateTable('idempotentReplies').set({ createdAt: dayAgo }).execute()
  const dayAfter = await it.ask('POST', '/api/v1/apps', { body: { ...body, team_id: team.id }, headers })
  expect([dayAfter.status, dayAfter.json.code]).toEqual([409, 'conflict'])
  await newTeamUnder('kept')
  await forgetOldReplies(it.db)
  const left = await it.db.selectFrom('idempotentReplies').select('createdAt').execute()
  expect(left.length).toBeGreaterThan(0)
  for (const row of left) expect(Date.now() - Date.parse(row.createdAt)).toBeLessThan(24 * 3_600_000)
})

test('an action heeds If-Match where the thing it is done to can be read, and does nothing to another state', async () => {
  const { client } = it
  const team = await newTeam('acted on')
  const app = await client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const { id: keyId } = await client.keys.create({ body: { appId: app.id, name: 'key' } })
  const params = { keyId }
  const seen = client.etagOf(await client.keys.read({ params }))!
  await client.keys.change({ params, body: { name: 'renamed' } })
  const now = await client.keys.read({ params })
  const before = await events()
  for (const act of [
    () => client.keys.revoke({ params, ifMatch: seen }),
    () => client.keyRotations.create({ params, body: {}, ifMatch: seen }),
  ])
    await expect(act()).rejects.toMatchObject({ status: 412, etag: client.etagOf(now) })
  expect(await client.keys.read({ params })).toEqual(now)
  expect(await events()).toBe(before)
  const inBatch = await client.batch.run({
    body: { items: [{ operation: 'keys.revoke', params: { keyId }, ifMatch: seen }] },
  })
  expect(inBatch.failed).toBe(1)
  const rotated = await client.keyRotations.create({ params, body: {}, ifMatch: client.etagOf(now)! })
  expect(rotated.secret).toMatch(/^hg_/)
  // Without it, whatever the key is now.
  expect((await client.keys.revoke({ params })).state).toBe('revoked')
})

test('If-Match where nothing can be compared is refused, never passed over', async () => {
  const answer = await it.ask('POST', '/api/v1/teams', {
    body: { name: 'unseen' },
    headers: { 'if-match': '"seen"' },
  })
  expect([answer.status, answer.json.errors[0]]).toMatchObject([
    400,
    { pointer: 'If-Match', code: 'not_applicable' },
  ])
})
