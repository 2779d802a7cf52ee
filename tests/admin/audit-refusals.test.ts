/** Failed attempts are in the audit log, reads of files too; nothing that was sent in them is, and no flood fills it. */
import { refusalPace } from '@headgate/control-plane/resources/audit-events/refusal-pace'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from './harness.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

const refused = async (query: object = {}) =>
  (await it.client.auditEvents.list({ query: { limit: 200, result: 'refused', ...query } as never })).data

test('every refused write leaves an event with who, from where, what, which thing and why', async () => {
  const team = await it.client.teams.create({ body: { name: 'refusals' } })
  await it.ask('POST', '/api/v1/teams', { body: { name: 'refusals' } })
  await it.ask('POST', '/api/v1/teams', { body: { name: '', token: 'sk-pasted-into-the-wrong-place' } })
  await it.ask('PATCH', `/api/v1/teams/${team.id}`, { body: { name: 'x' }, ifMatch: '"other"' })
  await it.ask('DELETE', '/api/v1/teams/team_NONE')
  const events = await refused()
  expect(events.map(({ action, subjectId, code }) => [action, subjectId, code])).toEqual([
    ['team.removed', 'team_NONE', 'not_found'],
    ['team.changed', team.id, 'precondition_failed'],
    ['team.created', null, 'invalid_request'],
    ['team.created', null, 'conflict'],
  ])
  for (const event of events)
    expect(event).toMatchObject({
      actor: 'admin-token',
      role: 'admin',
      address: '127.0.0.1',
      before: null,
      after: null,
    })
  expect(JSON.stringify(events)).not.toContain('sk-pasted')
})

test('strangers are recorded whatever they ask for; reads that find nothing and rehearsals are not', async () => {
  const before = (await refused()).length
  const answer = await it.ask('GET', '/api/v1/teams', { token: 'wrong-token-wrong-token-wrong-token' })
  await it.ask('GET', '/api/v1/teams/team_NONE')
  await it.ask('POST', '/api/v1/teams?dry_run=true', { body: { name: 'refusals' } })
  const events = await refused()
  expect(events).toHaveLength(before + 1)
  expect(events[0]).toMatchObject({
    actor: 'anonymous',
    role: null,
    action: 'teams.read',
    code: 'unauthenticated',
    requestId: answer.json.request_id,
  })
})

test('in a batch each refused item is an attempt of its own, and an atomic batch is one', async () => {
  const before = (await refused()).length
  const items = [
    { operation: 'teams.create', params: {}, body: { name: 'batch' } },
    { operation: 'teams.create', params: {}, body: { name: 'refusals' } },
  ]
  await it.ask('POST', '/api/v1/batch', { body: { items } })
  await it.ask('POST', '/api/v1/batch', { body: { items, atomic: true } })
  const events = await refused()
  expect(events.slice(0, events.length - before).map(({ action, code }) => [action, code])).toEqual([
    ['batch.run', 'conflict'],
    ['team.created', 'conflict'],
  ])
})

test('who takes a file away is recorded with the question, before it is sent', async () => {
  await it.ask('GET', '/api/v1/audit-events/export?format=csv&actor=ada')
  await it.ask(
    'GET',
    '/api/v1/usage-records/export?format=csv&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z',
  )
  const { data } = await it.client.auditEvents.list({ query: { limit: 2 } })
  expect(data.map(({ action }) => action)).toEqual(['usage.exported', 'audit-event.exported'])
  expect(data[1]).toMatchObject({ after: { query: { format: 'csv', actor: 'ada' } } })
})

test('fifty writers at once leave one chain, without a gap or a fork', async () => {
  const before = (await it.client.auditEvents.verify({})).events
  const names = Array.from({ length: 50 }, (_, n) => `writer-${n % 40}`)
  await Promise.all(names.map((name) => it.ask('POST', '/api/v1/model-aliases', { body: { name } })))
  const report = await it.client.auditEvents.verify({})
  expect(report).toMatchObject({ isWhole: true, events: before + 50, lastNumber: before + 50 })
})

test('an actor who only fails gets so many events a minute, and the next one tells how many went unrecorded', () => {
  const pace = refusalPace(2)
  expect([1, 2, 3, 4].map(() => pace.take('anonymous', 1_000))).toEqual([0, 0, null, null])
  expect(pace.take('ada', 1_000)).toBe(0)
  expect(pace.take('anonymous', 62_000)).toBe(2)
  expect(pace.take('anonymous', 62_000)).toBe(0)
  // A clock that was moved back does not silence anybody.
  pace.take('anonymous', 62_000)
  expect(pace.take('anonymous', 1_000)).toBe(1)
})
