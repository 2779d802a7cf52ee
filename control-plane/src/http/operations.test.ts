/** Every operation of the contract: what it does when asked well, and how it refuses. */
import { API_ROOT, contract } from '@headgate/admin-contract/index'
import type { Operation } from '@headgate/admin-contract/operation'
import { AdminProblem, Problem } from '@headgate/admin-contract/problem'
import { renameKeys } from '@headgate/admin-contract/wire'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from '../../../tests/admin/harness.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

const table = Object.values(contract).flatMap((group) => Object.values(group) as Operation[])
const pathOf = (operation: Operation) =>
  API_ROOT + operation.path.replace(/\{\w+\}/g, 'key_00000000000000000000000000')

/** A change says what changes, and a rotation needs nothing said: nothing is missing from their bodies. */
const takesEmpty = (operation: Operation) => operation.body?.safeParse({}).success === true

/** One of everything, each made through the API. */
async function oneOfEach(suffix: string) {
  const { client } = it
  const team = await client.teams.create({ body: { name: `team ${suffix}` } })
  const app = await client.apps.create({ body: { teamId: team.id, name: 'app', allowedModels: ['a', 'b'] } })
  const user = await client.users.create({ body: { teamId: team.id, name: 'Ada', email: 'ada@example.com' } })
  const resource = await client.resources.create({
    body: {
      name: `res-${suffix}`,
      apiStyle: 'openai',
      origin: 'https://api.openai.com',
      secretRef: 'env://OPENAI_API_KEY' as never,
    },
  })
  const quota = await client.quotas.create({
    body: { resourceId: resource.id, name: 'main', requestsPerMinute: 100, tokensPerMinute: null },
  })
  const deployment = await client.deployments.create({
    body: { name: `dep-${suffix}`, resourceId: resource.id, quotaId: quota.id, upstreamModel: 'gpt-4o' },
  })
  const alias = await client.modelAliases.create({ body: { name: `alias-${suffix}` } })
  const route = await client.routes.create({
    body: { aliasId: alias.id, tiers: [[{ deploymentId: deployment.id }]] },
  })
  const price = await client.prices.create({
    body: {
      model: `model-${suffix}`,
      currency: 'EUR',
      lines: [
        { kind: 'input', nanos: 1_000 },
        { kind: 'output', nanos: 2_000, serviceTier: 'flex', aboveInputTokens: 128_000 },
      ],
      effectiveFrom: '2026-01-01T02:00:00+02:00',
    },
  })
  const key = await client.keys.create({ body: { name: 'key', appId: app.id, userId: user.id } })
  return { team, app, user, resource, quota, deployment, alias, route, price, key }
}

test('each thing that is created can be read and is the first of its list', async () => {
  const made = await oneOfEach('one')
  const { client } = it
  const { secret, ...key } = made.key
  expect(secret).toMatch(/^hg_live_/)
  expect(await client.teams.read({ params: { teamId: made.team.id } })).toEqual(made.team)
  expect(await client.apps.read({ params: { appId: made.app.id } })).toEqual(made.app)
  expect(await client.users.read({ params: { userId: made.user.id } })).toEqual(made.user)
  expect(await client.keys.read({ params: { keyId: key.id } })).toEqual(key)
  expect(await client.resources.read({ params: { resourceId: made.resource.id } })).toEqual(made.resource)
  expect(await client.quotas.read({ params: { quotaId: made.quota.id } })).toEqual(made.quota)
  expect(await client.deployments.read({ params: { deploymentId: made.deployment.id } })).toEqual(
    made.deployment,
  )
  expect(await client.modelAliases.read({ params: { aliasId: made.alias.id } })).toEqual(made.alias)
  expect(await client.routes.read({ params: { routeId: made.route.id } })).toEqual(made.route)
  expect(await client.prices.read({ params: { priceId: made.price.id } })).toEqual(made.price)
  expect((await client.teams.list()).data[0]).toEqual(made.team)
  expect((await client.apps.list({ query: { teamId: made.team.id } })).data).toEqual([made.app])
  expect((await client.users.list({ query: { teamId: made.team.id } })).data).toEqual([made.user])
  const { id: keyId, appId, teamId, userId } = key
  expect(
    (await client.keys.list({ query: { appId, teamId, userId: userId!, state: 'active' } })).data,
  ).toEqual([key])
  expect((await client.quotas.list({ query: { resourceId: made.resource.id } })).data).toEqual([made.quota])
  expect((await client.deployments.list({ query: { resourceId: made.resource.id } })).data).toEqual([
    made.deployment,
  ])
  expect((await client.modelAliases.list()).data[0]).toEqual(made.alias)
  expect((await client.routes.list({ query: { aliasId: made.alias.id } })).data).toEqual([made.route])
  expect((await client.prices.list({ query: { model: made.price.model } })).data).toEqual([made.price])
  expect((await client.resources.list()).data[0]).toEqual(made.resource)
  const revoked = await client.keys.revoke({ params: { keyId } })
  expect(revoked).toEqual({ ...key, state: 'revoked' })
  expect(await client.keys.revoke({ params: { keyId } })).toEqual(revoked)
  expect((await client.catalog.read()).message).toBe(`price.created ${made.price.id}`)
})

test('defaults are filled in: a price of any provider for the standard tier, a deployment without a price name', async () => {
  const made = await oneOfEach('defaults')
  expect(made.price).toMatchObject({ provider: null, isFree: false, effectiveTo: null, source: null })
  expect(made.price.lines[0]).toEqual({
    kind: 'input',
    nanos: 1_000,
    serviceTier: 'standard',
    aboveInputTokens: 0,
  })
  expect(made.price.effectiveFrom).toBe('2026-01-01T00:00:00.000Z')
  expect(made.deployment.pricedAs).toBe('gpt-4o')
  expect(made.route.tiers).toEqual([[{ deploymentId: made.deployment.id, weight: 1 }]])
  expect(made.key).toMatchObject({
    allowedModels: null,
    requestsPerMinute: null,
    expiresAt: null,
    state: 'active',
  })
})

test('names on the wire are snake_case, statuses and headers are as documented', async () => {
  const answer = await it.ask('POST', '/api/v1/teams', { body: { name: 'wire', allowed_models: [] } })
  expect(answer.status).toBe(201)
  expect(Object.keys(answer.json).sort()).toEqual(['allowed_models', 'created_at', 'id', 'name'])
  expect(answer.headers.get('x-request-id')).toMatch(/^req_/)
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  const list = await it.ask('GET', '/api/v1/teams?limit=1')
  expect(list.json.page).toEqual({ next_cursor: expect.any(String), has_more: true })
})

test('lists are walked whole and once, newest first, by their cursors', async () => {
  const names = ['p1', 'p2', 'p3', 'p4', 'p5']
  for (const name of names) await it.client.modelAliases.create({ body: { name } })
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await it.client.modelAliases.list({ query: { limit: 2, ...(cursor ? { cursor } : {}) } })
    expect(page.data.length).toBeLessThanOrEqual(2)
    seen.push(...page.data.map((alias) => alias.id))
    expect(page.page.hasMore).toBe(page.page.nextCursor !== null)
    cursor = page.page.nextCursor ?? undefined
  } while (cursor !== undefined)
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toEqual([...seen].sort().reverse())
  expect(seen.length).toBeGreaterThanOrEqual(names.length)
})

test.each(table)(
  '$method $path refuses whoever has not signed in, with one body for all reasons',
  async (operation) => {
    const path = pathOf(operation)
    for (const token of [null, '', 'wrong-token-wrong-token-wrong-token', 'a b']) {
      const answer = await it.ask(operation.method, path, {
        token,
        body: operation.method === 'GET' ? undefined : {},
      })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
      expect(Problem.parse(renameKeys(answer.json))).toMatchObject({
        code: 'unauthenticated',
        instance: path,
      })
    }
  },
)

/** What else an operation has to be told before it looks for its object. */
const NEEDED_QUERY: Record<string, string> = {
  '/agreements/{agreementId}/allocation': '?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z',
}

const NEEDED_BODY: Record<string, object> = {
  '/secrets/{secretId}/rotations': { value: 'long enough' },
  '/sinks/{sinkId}/refusals/retry': { ids: null },
  '/sinks/{sinkId}/refusals/removal': { ids: null },
}

test.each(table.filter((operation) => operation.path.includes('{')))(
  '$method $path answers 404 alike for what is not there and what cannot be',
  async (operation) => {
    const bodies: { code: string }[] = []
    for (const id of [
      'key_00000000000000000000000000',
      'x',
      '%00',
      "'%20or%20true",
      'a'.repeat(99),
      'a'.repeat(999),
    ]) {
      const path = API_ROOT + operation.path.replace(/\{\w+\}/g, id) + (NEEDED_QUERY[operation.path] ?? '')
      const needed = NEEDED_BODY[operation.path] ?? (operation.body && { message: 'why' })
      const body = takesEmpty(operation) ? {} : needed
      const answer = await it.ask(operation.method, path, { body })
      expect([answer.status, id]).toEqual([404, id])
      bodies.push({ ...answer.json, instance: '', request_id: '' })
    }
    expect(new Set(bodies.map((body) => body.code))).toEqual(new Set(['not_found']))
  },
)

test.each(table.filter((operation) => operation.body !== undefined))(
  '$method $path names an unknown field, in either style, and a missing one',
  async (operation) => {
    const answer = await it.ask(operation.method, pathOf(operation), {
      body: { surprise: 1, teamIds: 2, allowedModels: null },
    })
    expect(answer.status).toBe(400)
    const faults = answer.json.errors as { pointer: string; code: string; fix: string }[]
    expect(faults.filter((fault) => fault.code === 'unknown_field').map((fault) => fault.pointer)).toEqual(
      expect.arrayContaining(['/surprise', '/teamIds', '/allowedModels']),
    )
    if (!takesEmpty(operation)) expect(faults.some((fault) => fault.code === 'missing')).toBe(true)
    expect(faults.every((fault) => fault.fix.length > 0)).toBe(true)
  },
)

test.each(table.filter((operation) => operation.method === 'GET' && !operation.path.includes('{')))(
  '$method $path names an unknown parameter',
  async (operation) => {
    const answer = await it.ask('GET', `${pathOf(operation)}?surprise=1`)
    expect(answer.status).toBe(400)
    expect(answer.json.errors).toContainEqual(
      expect.objectContaining({ pointer: '?surprise', code: 'unknown_field' }),
    )
  },
)

test.each(['0', '201', '-1', '1.5', 'many', ''])('a limit of %j is refused by name', async (limit) => {
  const answer = await it.ask('GET', `/api/v1/teams?limit=${limit}`)
  expect([answer.status, answer.json.errors[0].pointer]).toEqual([400, '?limit'])
})

test('the cursor of one list is refused by another, and by the same in another order', async () => {
  for (const name of ['c1', 'c2']) await it.client.teams.create({ body: { name } })
  const { page } = await it.client.teams.list({ query: { limit: 1 } })
  for (const list of ['apps', 'keys', 'resources', 'exchange-rates', 'usage-records', 'teams?sort=name']) {
    const path = `/api/v1/${list}${list.includes('?') ? '&' : '?'}cursor=${page.nextCursor}`
    const answer = await it.ask('GET', path)
    expect([list, answer.status, answer.json.errors?.[0].code]).toEqual([list, 400, 'invalid_cursor'])
  }
})

test('an instant in no year of the calendar is refused by name, before a file of it is begun', async () => {
  for (const path of [
    'usage-records?',
    'usage-records/export?',
    'audit-events/export?format=csv&',
    'keys?',
  ]) {
    const name = path === 'keys?' ? 'expires_before' : 'from'
    const answer = await it.ask('GET', `/api/v1/${path}${name}=0000-01-01T00:00:00Z`)
    expect([path, answer.status, answer.json?.errors[0].pointer]).toEqual([path, 400, `?${name}`])
  }
})

test.each(['x', 'bm9wZQ', '%00', 'AAAA'.repeat(100)])('a cursor of %j does no harm', async (cursor) => {
  for (const list of ['teams', 'usage-records']) {
    const answer = await it.ask('GET', `/api/v1/${list}?cursor=${cursor}`)
    expect([200, 400]).toContain(answer.status)
  }
})

test('a name that is taken is a conflict that points at the field', async () => {
  const made = await oneOfEach('twice')
  const bodies = [
    ['/api/v1/teams', { name: made.team.name }, '/name'],
    ['/api/v1/apps', { team_id: made.team.id, name: 'app' }, '/name'],
    ['/api/v1/model-aliases', { name: made.alias.name }, '/name'],
    [
      '/api/v1/resources',
      { ...(renameKeys(made.resource) as object), id: undefined, created_at: undefined },
      '/name',
    ],
    [
      '/api/v1/quotas',
      { ...(renameKeys(made.quota) as object), id: undefined, created_at: undefined },
      '/name',
    ],
    [
      '/api/v1/deployments',
      { ...(renameKeys(made.deployment) as object), id: undefined, created_at: undefined },
      '/name',
    ],
    [
      '/api/v1/routes',
      { alias_id: made.alias.id, tiers: made.route.tiers.map((t) => t.map((d) => renameKeys(d))) },
      '/alias_id',
    ],
    [
      '/api/v1/prices',
      { ...(renameKeys(made.price) as object), id: undefined, created_at: undefined },
      '/effective_from',
    ],
  ] as const
  for (const [path, body, pointer] of bodies) {
    const answer = await it.ask('POST', path, { body })
    expect([answer.status, answer.json.code, answer.json.errors[0].pointer]).toEqual([
      409,
      'conflict',
      pointer,
    ])
  }
})

test('a reference to nothing, or to another team, points at the field', async () => {
  const mine = await oneOfEach('mine')
  const other = await oneOfEach('other')
  const nowhere = (prefix: string) => `${prefix}_00000000000000000000000000`
  const bodies = [
    ['/api/v1/apps', { team_id: nowhere('team'), name: 'x' }, '/team_id'],
    ['/api/v1/users', { team_id: nowhere('team'), name: 'x' }, '/team_id'],
    [
      '/api/v1/quotas',
      { resource_id: nowhere('res'), name: 'x', requests_per_minute: 1, tokens_per_minute: 1 },
      '/resource_id',
    ],
    ['/api/v1/deployments', { name: 'x', resource_id: nowhere('res'), upstream_model: 'm' }, '/resource_id'],
    [
      '/api/v1/deployments',
      { name: 'x', resource_id: mine.resource.id, quota_id: other.quota.id, upstream_model: 'm' },
      '/quota_id',
    ],
    [
      '/api/v1/routes',
      { alias_id: nowhere('ali'), tiers: [[{ deployment_id: mine.deployment.id }]] },
      '/alias_id',
    ],
    ['/api/v1/keys', { name: 'x', app_id: nowhere('app') }, '/app_id'],
    ['/api/v1/keys', { name: 'x', app_id: mine.app.id, user_id: other.user.id }, '/user_id'],
  ] as const
  for (const [path, body, pointer] of bodies) {
    const answer = await it.ask('POST', path, { body })
    expect([answer.status, answer.json.errors[0].code, answer.json.errors[0].pointer]).toEqual([
      400,
      'unknown_reference',
      pointer,
    ])
  }
})

test('a catalog that would contradict itself fails the write, the conflict named, and nothing is kept', async () => {
  const made = await oneOfEach('conflict')
  const alias = await it.client.modelAliases.create({ body: { name: 'leads-nowhere' } })
  const before = await it.client.catalog.read()
  const gone = 'dep_00000000000000000000000000'
  const answer = await it.ask('POST', '/api/v1/routes', {
    body: { alias_id: alias.id, tiers: [[{ deployment_id: made.deployment.id }, { deployment_id: gone }]] },
  })
  expect([answer.status, answer.json.code]).toEqual([409, 'catalog_conflict'])
  expect(answer.json.errors[0].message).toContain('leads-nowhere')
  expect(answer.json.errors[0].message).toContain(gone)
  expect((await it.client.routes.list({ query: { aliasId: alias.id } })).data).toEqual([])
  expect(await it.client.catalog.read()).toEqual(before)
})

test('loopback providers are refused outside evaluation, and other bad origins and references always', async () => {
  const good = { name: 'x', api_style: 'openai', origin: 'https://api.openai.com', secret_ref: 'env://KEY' }
  const bad = [
    [{ origin: 'http://127.0.0.1:9999' }, '/origin'],
    [{ origin: 'http://api.openai.com' }, '/origin'],
    [{ origin: 'https://user@api.openai.com' }, '/origin'],
    [{ origin: 'https://api.openai.com/v1' }, '/origin'],
    [{ secret_ref: 'sk-pasted-by-mistake-0123456789' }, '/secret_ref'],
    [{ api_style: 'azure-dated' }, '/api_version'],
    [{ api_version: '2024-10-21' }, '/api_version'],
  ] as const
  for (const [change, pointer] of bad) {
    const answer = await it.ask('POST', '/api/v1/resources', { body: { ...good, ...change } })
    expect([answer.status, answer.json.errors[0].pointer]).toEqual([400, pointer])
    expect(answer.text).not.toContain('pasted-by-mistake')
  }
})

test('the client throws what the server said, with its faults', async () => {
  const refused = it.client.keys.create({
    body: { name: 'late', appId: 'app_00000000000000000000000000', expiresAt: '2020-01-01T00:00:00Z' },
  })
  await expect(refused).rejects.toBeInstanceOf(AdminProblem)
  await expect(refused).rejects.toMatchObject({
    status: 400,
    faults: [{ pointer: '/expires_at', code: 'in_the_past' }],
  })
})
