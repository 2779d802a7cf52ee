/** What policies do to calls, through real HTTP: who is refused and told what, what is sent, what a shadow leaves behind. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { type PolicyWorld, policyWorld } from './policy-world.ts'
import { chatBody, send } from './raw-client.ts'

let gateway: TestGateway
let world: PolicyWorld
beforeAll(async () => {
  gateway = await startGateway({
    routes: {
      'two-accounts': [['gpt-4o'], ['v1.gpt-4o']],
      'failing-first': [['v1.fail-500'], ['gpt-4o'], ['dated.gpt-4o']],
    },
  })
  world = await policyWorld(gateway)
})
beforeEach(() => gateway.fake.reset())
afterAll(() => gateway.stop())

async function ask(body: string | object, path = '/v1/chat/completions', key = gateway.keys.normal) {
  const before = gateway.records().length
  const reply = await send(gateway.origin, { path, headers: { authorization: `Bearer ${key}` }, body })
  const record = (await gateway.recordsWhen(before + 1))[before]
  const { error } = reply.status < 300 ? { error: undefined } : JSON.parse(reply.body.toString())
  return { reply, record, error }
}

const sentBodies = () => gateway.fake.record().map((it) => JSON.parse(it.body?.toString() ?? '{}'))

async function listed(key = gateway.keys.normal): Promise<string[]> {
  const headers = { authorization: `Bearer ${key}` }
  const reply = await send(gateway.origin, { method: 'GET', path: '/v1/models', headers })
  return JSON.parse(reply.body.toString()).data.map((it: { id: string }) => it.id)
}

describe('allow and deny', () => {
  test('the narrowest level that speaks decides, and a deny wins over it', async () => {
    const { team, key } = world.owners
    const narrow = { ownerId: team, allowedModels: ['gpt-4o-mini'] }
    await world.putPolicies(narrow)
    expect((await ask(chatBody('gpt-4o'))).error.code).toBe('model_not_allowed')
    const wider = { ownerId: key, allowedModels: ['gpt-4o'] }
    await world.putPolicies(narrow, wider)
    expect((await ask(chatBody('gpt-4o'))).reply.status).toBe(200)
    await world.putPolicies(narrow, wider, { ownerId: null, deniedModels: ['gpt-4o'] })
    expect((await ask(chatBody('gpt-4o'))).error.code).toBe('model_not_allowed')
  })

  test('a policy of somebody else changes nothing', async () => {
    const [other] = world.document.apps.filter((it) => it.id !== world.owners.app)
    await world.putPolicies({ ownerId: other!.id, deniedModels: ['gpt-4o'], requestBytesMax: 1 })
    expect((await ask(chatBody('gpt-4o'))).reply.status).toBe(200)
    expect((await ask(chatBody('gpt-4o'), undefined, gateway.keys.narrowApp)).error.code).toBe(
      'model_not_allowed',
    )
  })

  test('the list of models holds what may be used and nothing else, resources considered', async () => {
    await world.putPolicies({ allowedModels: ['gpt-4o', 'v1.gpt-4o', 'two-accounts'] })
    expect(await listed()).toEqual(['gpt-4o', 'two-accounts', 'v1.gpt-4o'])
    expect(await listed(gateway.keys.twoModels)).toEqual(['gpt-4o', 'gpt-4o-mini'])
    await world.putPolicies({
      allowedModels: ['gpt-4o', 'v1.gpt-4o', 'two-accounts'],
      deniedResources: [world.resourceId('openai')],
    })
    expect(await listed()).toEqual(['two-accounts', 'v1.gpt-4o'])
    const path = '/v1/models/gpt-4o'
    const headers = { authorization: `Bearer ${gateway.keys.normal}` }
    expect((await send(gateway.origin, { method: 'GET', path, headers })).status).toBe(404)
  })

  test('a refusal names the policy and its level, and no other tenant', async () => {
    const [policy] = await world.putPolicies(
      { name: 'No big models', ownerId: world.owners.team, deniedModels: ['gpt-4o'] },
      { name: 'Of strangers', ownerId: 'team_00000000000000000000000000', deniedModels: ['gpt-4o'] },
    )
    const { error, reply } = await ask(chatBody('gpt-4o'))
    expect(error).toMatchObject({
      type: 'permission_error',
      param: 'model',
      message:
        'This key may not use the model "gpt-4o": policy "No big models" of its team does not allow it. GET /v1/models lists those it may use.',
      headgate: { denied_by: 'gateway_policy', policy: { id: policy!.id, name: 'No big models' } },
    })
    expect(reply.body.toString()).not.toMatch(/strangers/)
  })
})

describe('accounts', () => {
  test('a denied one is passed over, and the next of the route serves as the first attempt', async () => {
    await world.putPolicies({ deniedResources: [world.resourceId('openai')] })
    const { reply, record } = await ask(chatBody('two-accounts'))
    expect([reply.status, reply.headers['x-headgate-deployment']]).toEqual([200, 'v1.gpt-4o'])
    expect(record).toMatchObject({ attempt: 1, resourceId: world.resourceId('azure-v1') })
  })

  test('a denied one is not turned to when another fails', async () => {
    await world.putPolicies({
      allowedResources: [world.resourceId('azure-v1'), world.resourceId('azure-dated')],
    })
    const { reply } = await ask(chatBody('failing-first'))
    expect([reply.status, reply.headers['x-headgate-deployment']]).toEqual([200, 'dated.gpt-4o'])
    expect(gateway.fake.record().map((it) => it.style)).not.toContain('openai')
  })

  test('when none is left the call is refused, though the model itself is allowed', async () => {
    await world.putPolicies({
      ownerId: world.owners.key,
      allowedResources: [world.resourceId('azure-dated')],
    })
    const { error, record } = await ask(chatBody('two-accounts'))
    expect([error.code, error.param]).toEqual(['resource_not_allowed', 'model'])
    expect(record).toMatchObject({ attempt: 0, resourceId: null, status: 403 })
    expect(gateway.fake.record()).toEqual([])
  })
})

describe('caps', () => {
  test.each([
    [{ outputTokensMax: 100 }, { max_tokens: 101 }, 'max_tokens_over_cap', 'max_tokens', 101, 100, 'tokens'],
    [
      { outputTokensMax: 100 },
      { max_completion_tokens: 5, max_tokens: 101 },
      'max_tokens_over_cap',
      'max_tokens',
      101,
      100,
      'tokens',
    ],
    [{ choicesMax: 2 }, { n: 3 }, 'choices_over_cap', 'n', 3, 2, 'choices'],
    [{ inputTokensMax: 10 }, {}, 'context_length_exceeded', null, 19, 10, 'tokens'],
    [{ requestBytesMax: 10 }, {}, 'body_too_large', null, 75, 10, 'bytes'],
  ] as const)(
    '%j refuses %j and says what was counted, the cap and where it is set',
    async (cap, more, code, param, counted, max, unit) => {
      const [policy] = await world.putPolicies({ name: 'Small', ownerId: world.owners.app, ...cap })
      const { error, reply } = await ask(chatBody('gpt-4o', more))
      expect(reply.status).toBe(code === 'body_too_large' ? 413 : 400)
      expect(error).toMatchObject({ code, param })
      expect(error.headgate).toMatchObject({
        limit: max,
        requested: counted,
        unit,
        policy: { id: policy!.id },
      })
      for (const text of [String(counted), String(max), 'policy "Small" of its app'])
        expect(error.message).toContain(text)
      expect(gateway.fake.record()).toEqual([])
    },
  )

  test('a ceiling that is no count could be read as any, and is over every cap', async () => {
    await world.putPolicies({ outputTokensMax: 100, choicesMax: 2 })
    for (const value of ['"50"', '-1', '1e400', 'true', '[50]']) {
      for (const [field, code] of [
        ['max_tokens', 'max_tokens_over_cap'],
        ['n', 'choices_over_cap'],
      ] as const) {
        const { error } = await ask(chatBody('gpt-4o').replace('{', `{"${field}":${value},`))
        expect([field, value, error?.code]).toEqual([field, value, code])
        expect(error.headgate.requested).toBeUndefined()
      }
    }
    expect(gateway.fake.record()).toEqual([])
  })

  test('a call within its caps is sent as it came', async () => {
    await world.putPolicies({
      outputTokensMax: 100,
      choicesMax: 2,
      inputTokensMax: 1000,
      requestBytesMax: 1000,
    })
    const body = chatBody('gpt-4o', { max_tokens: 100, n: 2 })
    expect((await ask(body)).reply.status).toBe(200)
    expect(gateway.fake.record()[0]?.body?.toString()).toBe(body)
  })

  test.each([
    ['/v1/chat/completions', chatBody('gpt-4o'), { max_completion_tokens: 100 }],
    [
      '/v1/chat/completions',
      chatBody('v1.gpt-4o', { max_completion_tokens: null }),
      { max_completion_tokens: 100 },
    ],
    ['/openai/deployments/dated.gpt-4o/chat/completions', chatBody('gpt-4o'), { max_completion_tokens: 100 }],
    ['/v1/responses', { model: 'gpt-4o', input: 'x' }, { max_output_tokens: 100 }],
    ['/v1/completions', { model: 'gpt-3.5-turbo-instruct', prompt: 'x' }, {}],
    ['/v1/embeddings', { model: 'text-embedding-3-large', input: 'x' }, {}],
  ])(
    '%s without a ceiling goes out with the cap as its ceiling, where the provider would go beyond it',
    async (path, body, added) => {
      await world.putPolicies({ outputTokensMax: 100 })
      expect((await ask(body, path)).reply.status).toBe(200)
      const [sent] = sentBodies()
      const { max_tokens, max_completion_tokens, max_output_tokens } = sent
      const ceilings = JSON.parse(JSON.stringify({ max_tokens, max_completion_tokens, max_output_tokens }))
      expect(ceilings).toEqual(added)
    },
  )

  test('a call without a ceiling is held to the cap, not to a usual answer, by the limits too', async () => {
    const fiveAnswers = chatBody('gpt-4o', { n: 5 })
    await world.putPolicies()
    expect((await ask(fiveAnswers, undefined, gateway.keys.fewTokens)).error.code).toBe('limit_tokens')
    await world.putPolicies({ outputTokensMax: 100 })
    expect((await ask(fiveAnswers, undefined, gateway.keys.fewTokens)).reply.status).toBe(200)
  })

  test('the smallest cap of all levels holds', async () => {
    await world.putPolicies(
      { ownerId: null, outputTokensMax: 50 },
      { ownerId: world.owners.key, outputTokensMax: 100 },
      { ownerId: world.owners.team, outputTokensMax: 80 },
    )
    expect((await ask(chatBody('gpt-4o', { max_tokens: 51 }))).error.message).toContain(
      'of the organisation caps them at 50',
    )
    expect((await ask(chatBody('gpt-4o', { max_tokens: 50 }))).reply.status).toBe(200)
  })

  test('a call refused by a policy takes nothing from the limits', async () => {
    await world.putPolicies({ deniedModels: ['gpt-4o'] })
    for (let i = 0; i < 20; i++)
      expect((await ask(chatBody('gpt-4o'), undefined, gateway.keys.fewRequests)).reply.status).toBe(403)
    await world.putPolicies()
    expect((await ask(chatBody('gpt-4o'), undefined, gateway.keys.fewRequests)).reply.status).toBe(200)
  })
})

describe('shadow mode', () => {
  test('lets the call pass unchanged and records what it would have refused', async () => {
    const [policy] = await world.putPolicies({
      name: 'Trial',
      mode: 'shadow',
      deniedModels: ['gpt-4o'],
      outputTokensMax: 9,
    })
    const body = chatBody('gpt-4o')
    const { reply, record } = await ask(body)
    expect(reply.status).toBe(200)
    expect(gateway.fake.record()[0]?.body?.toString()).toBe(body)
    expect(record).toMatchObject({
      outcome: 'succeeded',
      errorCode: null,
      shadowRefusal: {
        code: 'model_not_allowed',
        policyId: policy!.id,
        text: 'This key may not use the model "gpt-4o": policy "Trial" of the organisation does not allow it.',
      },
    })
    expect((await ask(chatBody('gpt-4o-mini'))).record?.shadowRefusal).toBeNull()
  })

  test.each([
    [{ deniedEndpoints: ['chat.completions'] }, 'endpoint_not_allowed'],
    [{ allowedResources: [] }, 'resource_not_allowed'],
    [{ requestBytesMax: 1 }, 'body_too_large'],
    [{ inputTokensMax: 1 }, 'context_length_exceeded'],
    [{ outputTokensMax: 10 }, 'max_tokens_over_cap'],
    [{ choicesMax: 1 }, 'choices_over_cap'],
  ] as const)('%j is recorded as %s', async (said, code) => {
    const lists = Object.fromEntries(
      Object.entries(said).map(([key, it]) => [key, typeof it === 'number' ? it : [...it]]),
    )
    await world.putPolicies({ mode: 'shadow', ...lists })
    const { reply, record } = await ask(chatBody('gpt-4o', { max_tokens: 20, n: 2 }))
    expect([reply.status, record?.shadowRefusal?.code]).toEqual([200, code])
  })

  test('is recorded of calls the gateway answers itself and of calls refused for something else, not of calls a policy refuses', async () => {
    await world.putPolicies({ mode: 'shadow', deniedEndpoints: ['models.list', 'chat.completions'] })
    expect(await listed()).toContain('gpt-4o')
    expect(gateway.records().at(-1)?.shadowRefusal?.code).toBe('endpoint_not_allowed')
    const limited = await ask(chatBody('gpt-4o'), undefined, gateway.keys.zero)
    expect([limited.error.code, limited.record?.shadowRefusal?.code]).toEqual([
      'limit_requests',
      'endpoint_not_allowed',
    ])
    await world.putPolicies({ mode: 'shadow', choicesMax: 1 }, { deniedModels: ['gpt-4o'] })
    expect((await ask(chatBody('gpt-4o', { n: 2 }))).record).toMatchObject({
      status: 403,
      shadowRefusal: null,
    })
  })

  test('names the shadow policy also where a policy in force has taken accounts away', async () => {
    const [trial] = await world.putPolicies(
      { mode: 'shadow', deniedResources: [world.resourceId('openai')] },
      { deniedResources: [world.resourceId('azure-v1')] },
    )
    const { reply, record } = await ask(chatBody('two-accounts'))
    expect([reply.status, record?.shadowRefusal?.code]).toEqual([200, 'resource_not_allowed'])
    expect(record?.shadowRefusal?.policyId).toBe(trial!.id)
  })

  test('does not narrow which accounts serve, nor the list of models', async () => {
    await world.putPolicies({
      mode: 'shadow',
      deniedResources: [world.resourceId('openai')],
      allowedModels: [],
    })
    expect((await ask(chatBody('two-accounts'))).reply.headers['x-headgate-deployment']).toBe('gpt-4o')
    expect(await listed()).toContain('gpt-4o-mini')
  })

  test('is counted in the metrics by code', async () => {
    const count = async () => {
      const { body } = await send(gateway.opsOrigin, { method: 'GET', path: '/metrics' })
      return Number(
        /^headgate_shadow_refusals_total\{code="choices_over_cap"\} (\d+)$/m.exec(body.toString())?.[1] ?? 0,
      )
    }
    await world.putPolicies({ mode: 'shadow', choicesMax: 1 })
    const before = await count()
    await ask(chatBody('gpt-4o', { n: 2 }))
    await ask(chatBody('gpt-4o', { n: 1 }))
    expect(await count()).toBe(before + 1)
  })
})
