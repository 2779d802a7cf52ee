/** Whoever was refused can be told why: by the id in the reply, the control plane names what refused, and its figures. */
import { adminClient } from '@headgate/admin-contract/client'
import type { RequestDecision } from '@headgate/admin-contract/requests'
import { idSource } from '@headgate/domain/id'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../admin/harness.ts'
import { chatBody, send } from '../gateway/raw-client.ts'
import { type LiveWorld, liveWorld } from './world.ts'

const FOUND_MS = 10_000
const newId = idSource()

let it: LiveWorld
beforeAll(async () => {
  it = await liveWorld({ keepsBooks: true })
})
afterAll(() => it[Symbol.asyncDispose]())

/** An app of its own for each test, so that what refuses one does not refuse another. */
async function newCaller(teamId = it.teamId, more: object = {}) {
  const name = `caller ${newId('app', Date.now()).slice(-8)}`
  const app = await it.client.apps.create({ body: { teamId, name } })
  const key = await it.client.keys.create({ body: { appId: app.id, name, ...more } })
  return { name, appId: app.id, keyId: key.id, secret: key.secret }
}

const served = async () => {
  const { version } = await it.client.catalog.read()
  const [gateway] = it.gateways
  await until(async () => (await it.versionOf(gateway!)) >= version, `version ${version} to be served`)
}

const ask = (secret: string, sent: { path?: string; body?: object | string } = {}) =>
  send(it.gateways[0]!.origin, {
    headers: { authorization: `Bearer ${secret}` },
    body: chatBody('steady', { max_tokens: 10 }),
    ...sent,
  })

/** What is told of a call, once its record is stored. */
async function whyOf(requestId: string | undefined, client = it.client): Promise<RequestDecision> {
  const endMs = performance.now() + FOUND_MS
  for (;;) {
    try {
      return await client.requests.decision({ params: { requestId: requestId ?? '' } })
    } catch (fault) {
      if (performance.now() > endMs) throw fault
      await new Promise((done) => setTimeout(done, 50))
    }
  }
}

/** Asks, expects this refusal, and checks that what is told later is what was told then. */
async function refused(secret: string, code: string, sent: { path?: string; body?: object | string } = {}) {
  const reply = await ask(secret, sent)
  const { error } = JSON.parse(reply.body.toString())
  expect(error?.code, reply.body.toString()).toBe(code)
  const why = await whyOf(reply.headers['x-request-id'])
  expect(why).toMatchObject({
    ...{ requestId: error.headgate.request_id, status: reply.status, outcome: 'refused', errorCode: code },
    ...{ message: error.message, decision: { code, text: error.message } },
  })
  const { decision } = why
  expect(decision?.scope ?? undefined).toEqual(error.headgate.scope)
  for (const figure of ['limit', 'used', 'requested', 'unit'] as const)
    expect([figure, decision?.[figure] ?? undefined]).toEqual([figure, error.headgate[figure]])
  return why
}

const limited = async (ownerId: string, measure: 'requests_per_minute', amount: number) => {
  const limit = await it.client.limits.create({ body: { ownerId, measure, amount } })
  await served()
  return limit
}

test.each([
  ['limit_requests', 'requests_per_minute', 'requests/min'],
  ['limit_tokens', 'tokens_per_minute', 'tokens/min'],
  ['limit_tokens', 'tokens_per_day', 'tokens/day'],
  ['limit_concurrency', 'concurrent_calls', 'calls at once'],
])('%s by a limit of %s names the limit and its figures', async (code, measure, unit) => {
  const { appId, keyId, name, secret } = await newCaller()
  const limit = await limited(appId, measure as 'requests_per_minute', 0)
  expect(await refused(secret, code)).toMatchObject({
    ...{ app: { id: appId, name }, key: { id: keyId, name }, alias: 'steady' },
    team: { id: it.teamId, name: 'Live' },
    decision: { scope: { kind: 'app', name }, unit, limit: 0, used: 0, retryAfterMs: null, rule: null },
    refusedBy: {
      kind: 'limit',
      id: limit.id,
      path: `/limits/${limit.id}`,
      state: 'unchanged',
      changedAt: null,
    },
    attempts: [{ attempt: 0, deployment: null, status: 429 }],
    ...{ costNanos: null, catalogVersion: expect.any(Number) },
  })
})

test('a figure on the key itself is told as one of the key', async () => {
  const { keyId, name, secret } = await newCaller(it.teamId, { requestsPerMinute: 0 })
  expect(await refused(secret, 'limit_requests')).toMatchObject({
    decision: { scope: { kind: 'key', name } },
    refusedBy: { kind: 'key', id: keyId, name, path: `/keys/${keyId}` },
  })
})

test('a quota that is used up is named, and the resource it is granted by', async () => {
  const { client } = it
  const { data } = await client.resources.list({})
  const resource = data[0]!
  const quota = await client.quotas.create({
    body: { resourceId: resource.id, name: 'tiny', tokensPerMinute: 1, requestsPerMinute: null },
  })
  const deployment = await client.deployments.create({
    body: { name: 'tight', resourceId: resource.id, upstreamModel: 'gpt-4o', quotaId: quota.id },
  })
  const alias = await client.modelAliases.create({ body: { name: 'tight' } })
  await client.routes.create({ body: { aliasId: alias.id, tiers: [[{ deploymentId: deployment.id }]] } })
  await served()
  const { secret } = await newCaller()
  expect(
    await refused(secret, 'limit_tokens', { body: chatBody('tight', { max_tokens: 10 }) }),
  ).toMatchObject({
    decision: { scope: { kind: 'resource', name: `${resource.name}/tiny` }, limit: 1 },
    refusedBy: { kind: 'quota', id: quota.id, name: 'tiny', path: `/quotas/${quota.id}` },
  })
})

test('a budget without a price for the model, and one that is spent, are named', async () => {
  const { appId, secret } = await newCaller()
  const budget = await it.client.budgets.create({
    body: {
      ...{ ownerId: appId, name: 'Pocket money', currency: 'USD', amountNanos: 1 },
      ...{ period: { kind: 'month' }, steps: [{ action: 'block', atPercent: 100 }] },
    },
  })
  await served()
  const refusedBy = { kind: 'budget', id: budget.id, name: 'Pocket money', path: `/budgets/${budget.id}` }
  expect(await refused(secret, 'price_unknown')).toMatchObject({ refusedBy, decision: { limit: null } })
  await it.client.prices.create({
    body: {
      ...{ model: 'gpt-4o', currency: 'USD', effectiveFrom: '2020-01-01T00:00:00Z' },
      lines: [
        { kind: 'input', nanos: 2_500_000_000 },
        { kind: 'output', nanos: 10_000_000_000 },
      ],
    },
  })
  await served()
  // A ledger that has just heard of a budget passes nothing until what was spent is counted.
  await until(
    async () => JSON.parse((await ask(secret)).body.toString()).error?.code === 'budget_exhausted',
    'the budget to be counted',
  )
  expect(await refused(secret, 'budget_exhausted')).toMatchObject({
    refusedBy,
    decision: { unit: 'nanos of USD', limit: 1, used: 0, retryAfterMs: expect.any(Number) },
  })
})

test.each<
  [
    string,
    Omit<Parameters<LiveWorld['client']['policies']['create']>[0]['body'], 'name' | 'ownerId'>,
    number | null,
  ]
>([
  ['model_not_allowed', { deniedModels: ['steady'] }, null],
  ['endpoint_not_allowed', { allowedEndpoints: ['embeddings'] }, null],
  ['max_tokens_over_cap', { outputTokensMax: 5 }, 5],
])('%s names the policy', async (code, said, limit) => {
  const { appId, secret } = await newCaller()
  const policy = await it.client.policies.create({ body: { name: `Rule ${code}`, ownerId: appId, ...said } })
  await served()
  expect(await refused(secret, code)).toMatchObject({
    decision: { thingId: policy.id, limit },
    refusedBy: { kind: 'policy', id: policy.id, name: `Rule ${code}`, path: `/policies/${policy.id}` },
  })
})

test('a list of allowed models is told by whose list it is', async () => {
  const { keyId, secret } = await newCaller(it.teamId, { allowedModels: [] })
  expect(await refused(secret, 'model_not_allowed')).toMatchObject({ refusedBy: { kind: 'key', id: keyId } })
})

test('a revoked and an expired key are named, and an unknown model is told as it was asked for', async () => {
  const revoked = await newCaller()
  expect((await ask(revoked.secret)).status).toBe(200)
  await it.client.keys.revoke({ params: { keyId: revoked.keyId } })
  await until(async () => (await ask(revoked.secret)).status === 401, 'the revocation to be heard')
  expect(await refused(revoked.secret, 'key_revoked')).toMatchObject({
    ...{ key: { id: revoked.keyId, name: revoked.name }, alias: null },
    refusedBy: { kind: 'key', id: revoked.keyId, state: 'unchanged' },
  })
  const short = await newCaller(it.teamId, { expiresAt: new Date(Date.now() + 500).toISOString() })
  await until(async () => (await ask(short.secret)).status === 401, 'the key to expire')
  expect(await refused(short.secret, 'key_expired')).toMatchObject({ refusedBy: { id: short.keyId } })
  const { secret } = await newCaller()
  expect(await refused(secret, 'model_not_found', { body: chatBody('no-such-model') })).toMatchObject({
    ...{ alias: null, refusedBy: null, message: expect.stringContaining('no-such-model') },
  })
})

test('what looks like a credential is masked in what is kept, whoever wrote it', async () => {
  const { secret } = await newCaller()
  const model = 'sk-0123456789abcdef0123'
  const reply = await ask(secret, { body: chatBody(model) })
  expect(reply.status).toBe(404)
  const why = await whyOf(reply.headers['x-request-id'])
  expect(why.message).toContain('[redacted]')
  expect(JSON.stringify(why)).not.toContain(model)
})

test('a served call is told by its attempts and its cost, without a decision', async () => {
  const { secret, appId } = await newCaller()
  const reply = await ask(secret)
  expect(reply.status).toBe(200)
  const why = await whyOf(reply.headers['x-request-id'])
  expect(why).toMatchObject({
    ...{ status: 200, outcome: 'succeeded', message: null, decision: null, refusedBy: null },
    app: { id: appId },
    attempts: [{ attempt: 1, resource: { name: 'provider' }, upstreamModel: 'gpt-4o', outcome: 'succeeded' }],
  })
  expect(it.deploymentIds).toContain(why.attempts[0]?.deployment?.id)
})

test('a limit that was changed or removed since is told so, with when', async () => {
  const { appId, secret } = await newCaller()
  const limit = await limited(appId, 'requests_per_minute', 0)
  const { requestId, startedAt } = await refused(secret, 'limit_requests')
  await it.client.limits.change({ params: { limitId: limit.id }, body: { amount: 9 } })
  const changed = await whyOf(requestId)
  expect(changed.refusedBy).toMatchObject({ state: 'changed', path: `/limits/${limit.id}` })
  expect(Date.parse(changed.refusedBy?.changedAt ?? '')).toBeGreaterThan(Date.parse(startedAt))
  expect(changed.decision?.limit).toBe(0)
  await it.client.limits.remove({ params: { limitId: limit.id } })
  const scoped = await clientOf(it.teamId)
  for (const client of [it.client, scoped])
    expect((await whyOf(requestId, client)).refusedBy).toMatchObject({
      id: limit.id,
      state: 'archived',
      path: null,
    })
})

async function clientOf(teamId: string) {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const { secret } = await it.client.apiTokens.create({
    body: { name: 'viewer', role: 'viewer', teamIds: [teamId], expiresAt },
  })
  return adminClient({ origin: it.plane.plane.adminUrl, token: secret })
}

test('a policy of the organisation is told to a team by its id, and to the organisation by its name', async () => {
  const { client } = it
  const alias = await client.modelAliases.create({ body: { name: 'for-nobody' } })
  const tiers = [[{ deploymentId: it.deploymentIds[0] }]]
  await client.routes.create({ body: { aliasId: alias.id, tiers } })
  const body = { name: 'For all', ownerId: null, deniedModels: ['for-nobody'] }
  const { id } = await client.policies.create({ body })
  await served()
  const { secret } = await newCaller()
  const why = await refused(secret, 'model_not_allowed', { body: chatBody('for-nobody') })
  expect(why.refusedBy).toMatchObject({ id, name: 'For all', state: 'unchanged' })
  const seen = await whyOf(why.requestId, await clientOf(it.teamId))
  expect(seen.refusedBy).toEqual({
    ...{ kind: 'policy', id, name: null, path: null, state: 'unseen', changedAt: null },
  })
})

test('a team is told of its own calls alone; others, unknown and made-up ids all look the same', async () => {
  const other = await it.client.teams.create({ body: { name: 'Other' } })
  const { secret } = await newCaller(other.id, { requestsPerMinute: 0 })
  const { requestId } = await refused(secret, 'limit_requests')
  const [own, foreign] = [await clientOf(other.id), await clientOf(it.teamId)]
  expect((await whyOf(requestId, own)).team).toEqual({ id: other.id, name: 'Other' })
  const faults = await Promise.all(
    [requestId, newId('req', Date.now()), `req_${'Z'.repeat(26)}`, 'req_1'].map((id) =>
      foreign.requests.decision({ params: { requestId: id } }).then(
        () => 'found',
        (fault: Error) => fault,
      ),
    ),
  )
  for (const fault of faults) {
    expect(fault).toMatchObject({ code: 'not_found' })
    expect(String(fault)).toBe(String(faults[1]))
    expect(String(fault)).toMatch(/leaves its record when it has ended.*retention/)
  }
})
