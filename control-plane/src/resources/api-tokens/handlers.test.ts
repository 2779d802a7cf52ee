/** API tokens: what they may do, how they end, and that nobody makes one that can do more than they can. */
import { adminClient } from '@headgate/admin-contract/client'
import type { Right } from '@headgate/domain/right'
import { Role } from '@headgate/domain/role'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from '../../../../tests/admin/harness.ts'

const soon = () => new Date(Date.now() + 3_600_000).toISOString()

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

const make = (body: object, token?: string) =>
  it.ask('POST', '/api/v1/api-tokens', {
    body: { name: 'a token', expires_at: soon(), ...body },
    ...(token === undefined ? {} : { token }),
  })
const team = (name: string) => it.client.teams.create({ body: { name } })

test('a token is shown once, is stored as a digest, and says who made it and when it was used', async () => {
  const made = (await make({ role: 'viewer' })).json
  expect(made.secret).toMatch(/^hgt_[A-Za-z0-9_-]{43}$/)
  expect(made).toMatchObject({
    created_by: 'admin-token',
    last_four: made.secret.slice(-4),
    last_used_at: null,
  })
  const stored = await sql<{ row: string }>`select t::text as row from api_tokens t`.execute(it.db)
  expect(stored.rows.map(({ row }) => row).join()).not.toContain(made.secret)
  expect((await it.ask('GET', '/api/v1/me', { token: made.secret })).json).toMatchObject({
    ...{ actor: `api-token ${made.id}`, name: 'a token', credential: 'api_token', csrf_token: null },
    grants: [{ role: 'viewer', team_ids: null }],
  })
  const read = await it.client.apiTokens.read({ params: { tokenId: made.id } })
  expect(read.lastUsedAt).not.toBeNull()
  expect(JSON.stringify(read)).not.toContain(made.secret)
  const events = JSON.stringify(await it.client.auditEvents.list({ query: { subjectId: made.id } }))
  expect(events).toContain('api-token.created')
  expect(events).not.toContain(made.secret)
})

test('a revoked token and an expired one are refused from the next request on', async () => {
  const made = (await make({ role: 'viewer' })).json
  const ask = () => it.ask('GET', '/api/v1/teams', { token: made.secret })
  expect((await ask()).status).toBe(200)
  for (let i = 0; i < 2; i++) await it.client.apiTokens.revoke({ params: { tokenId: made.id } })
  expect((await ask()).status).toBe(401)
  const short = (await make({ role: 'viewer' })).json
  await sql`update api_tokens set expires_at = now() where id = ${short.id}`.execute(it.db)
  expect((await it.ask('GET', '/api/v1/teams', { token: short.secret })).status).toBe(401)
  const events = await it.client.auditEvents.list({ query: { subjectId: made.id } })
  expect(events.data.filter((one) => one.action === 'api-token.revoked')).toHaveLength(1)
})

test('nobody makes a token that can do what they cannot, for whichever role, team or right it asks', async () => {
  const [mine, other] = [await team('makers'), await team('others')]
  for (const [role, teamIds, rights] of [
    ['operator', null, null],
    ['finance', [mine.id], null],
    ['admin', null, ['tokens.write', 'keys.read']],
    ['admin', [mine.id], ['tokens.write', 'apps.write']],
  ] as const) {
    const maker = (await make({ role, team_ids: teamIds, rights })).json
    const own = (await it.ask('GET', '/api/v1/me', { token: maker.secret })).json.rights as {
      right: Right
      team_ids: string[] | null
    }[]
    for (const asked of Role.options)
      for (const teams of [null, [mine.id], [mine.id, other.id]])
        for (const narrowed of [null, ['keys.read'], ['keys.write', 'apps.write']]) {
          const wanted = { role: asked, team_ids: teams, rights: narrowed, expires_at: maker.expires_at }
          const answer = await make(wanted, maker.secret)
          // A foreign team is one that does not exist, even for a token that could do nothing in it.
          if (answer.status === 400) expect(answer.json.errors[0].code).toBe('unknown_reference')
          else expect([201, 403]).toContain(answer.status)
          if (answer.status !== 201) continue
          const got = (await it.ask('GET', '/api/v1/me', { token: answer.json.secret })).json.rights
          for (const { right, team_ids: where } of got as typeof own) {
            const has = own.find((one) => one.right === right)
            expect(has, `${role} gave ${right}`).toBeDefined()
            if (has?.team_ids != null)
              expect(has.team_ids).toEqual(expect.arrayContaining(where ?? ['everywhere']))
          }
        }
    expect(
      (await make({ role: 'admin', expires_at: maker.expires_at }, maker.secret)).json.errors[0],
    ).toMatchObject({
      ...{ pointer: '/role', code: 'beyond_own_rights' },
    })
  }
})

test('a token made by a token ends with it at the latest, and none lives longer than 366 days', async () => {
  const maker = (await make({ role: 'operator' })).json
  const later = new Date(Date.parse(maker.expires_at) + 1000).toISOString()
  const refused = await make({ role: 'viewer', expires_at: later }, maker.secret)
  expect(refused.json.errors[0]).toMatchObject({ pointer: '/expires_at', code: 'too_late' })
  for (const days of [367, -1]) {
    const expires_at = new Date(Date.now() + days * 86_400_000).toISOString()
    expect((await make({ role: 'viewer', expires_at })).json.errors[0].pointer).toBe('/expires_at')
  }
  expect((await make({ role: 'viewer', expires_at: undefined })).json.errors[0].pointer).toBe('/expires_at')
})

test('fields that would make more of a token, or belong to it alone, are refused by name', async () => {
  for (const field of [
    'id',
    'digest',
    'secret',
    'created_by',
    'last_used_at',
    'revoked_at',
    'grants',
    'access',
  ])
    expect((await make({ role: 'viewer', [field]: 'x' })).json.errors[0]).toMatchObject({
      pointer: `/${field}`,
      code: 'unknown_field',
    })
  const unknown = await make({ role: 'viewer', team_ids: [`team_${'0'.repeat(26)}`] })
  expect(unknown.json.errors[0]).toMatchObject({ pointer: '/team_ids/0', code: 'unknown_reference' })
  expect((await make({ role: 'owner' })).json.errors[0].pointer).toBe('/role')
  expect((await make({ role: 'viewer', rights: ['everything'] })).json.errors[0].pointer).toBe('/rights/0')
})

test('a token narrowed to rights can do those and says of others that it was narrowed', async () => {
  const made = (await make({ role: 'admin', rights: ['teams.read'] })).json
  const client = adminClient({ origin: it.plane.adminUrl, token: made.secret })
  await client.teams.list()
  await expect(client.apps.list()).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining('narrowed'),
  })
})

test('a refusal leaves an audit event with who tried what', async () => {
  const made = (await make({ role: 'viewer' })).json
  const answer = await it.ask('POST', '/api/v1/teams', { token: made.secret, body: { name: 'mine now' } })
  expect(answer.json.detail).toBe('This needs the right teams.write; roles that have it: admin.')
  const [event] = (await it.client.auditEvents.list({ query: { actor: `api-token ${made.id}` } })).data
  expect(event).toMatchObject({
    ...{ actor: `api-token ${made.id}`, role: 'viewer', action: 'team.created' },
    ...{ result: 'refused', code: 'forbidden', before: null },
    requestId: answer.headers.get('x-request-id'),
  })
})
