/** No way round a policy: every endpoint, by every path that leads to it, is refused before anything is sent. */
import { forwardedEndpoints, localEndpoints } from '@headgate/data-plane/endpoints/index'
import { matchPath } from '@headgate/data-plane/http/match-path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { type PolicyWorld, policyWorld, type Said } from './policy-world.ts'
import { send } from './raw-client.ts'

let gateway: TestGateway
let world: PolicyWorld
beforeAll(async () => {
  gateway = await startGateway()
  world = await policyWorld(gateway)
})
afterAll(() => gateway.stop())

/** What each endpoint is asked for. An endpoint without a line here fails the test of the walk. */
const samples: Readonly<Record<string, { model: string; body: object }>> = {
  'chat.completions': { model: 'gpt-4o', body: { messages: [{ role: 'user', content: 'x' }] } },
  completions: { model: 'gpt-3.5-turbo-instruct', body: { prompt: 'x' } },
  embeddings: { model: 'text-embedding-3-large', body: { input: 'x' } },
  responses: { model: 'gpt-4o', body: { input: 'x' } },
  moderations: { model: 'omni-moderation-latest', body: { input: 'x' } },
  'models.list': { model: '', body: {} },
  'models.retrieve': { model: 'gpt-4o', body: {} },
  'headgate.me': { model: '', body: {} },
  'headgate.requests': { model: '', body: {} },
}

type Way = { name: string; method: string; path: string; model: string; body: object | undefined }

/** Stands in paths for a call that somebody made. */
const SOME_CALL = `req_${'0'.repeat(26)}`

/** Every path of every endpoint, found by asking the matcher, as the reference is. */
const ways: Way[] = [...forwardedEndpoints, ...localEndpoints].flatMap((endpoint) => {
  const { name, method, kind } = endpoint
  const { model = 'no sample', body = {} } = samples[name] ?? {}
  const named = kind === 'local' && endpoint.named ? `/${model || SOME_CALL}` : ''
  return ['/v1', '/openai/v1', '/openai', `/openai/deployments/${model}`]
    .map((prefix) => prefix + endpoint.path + named)
    .filter((path) => isServed(method, path, name))
    .flatMap((path): Way[] => {
      const way = { name, method, path, model }
      if (kind === 'local') return [{ ...way, body: undefined }]
      const inPath = path.startsWith('/openai/deployments/')
      // What such a path says is what counts; the body may lie.
      return [{ ...way, body: { ...body, model } }].concat(
        inPath ? [{ ...way, body: { ...body, model: 'gpt-4o-mini' } }] : [],
      )
    })
})

function isServed(method: string, path: string, name: string): boolean {
  try {
    return matchPath(method, path).endpoint.name === name
  } catch {
    return false
  }
}

const call = ({ method, path, body }: Way) =>
  send(gateway.origin, {
    ...{ method, path: `${path}?api-version=2024-10-21` },
    headers: { authorization: `Bearer ${gateway.keys.normal}` },
    ...(body !== undefined && { body }),
  })

const forwarded = ways.filter((it) => it.body !== undefined)

test('the walk comes by every endpoint, in all three path styles where it has them', () => {
  const names = [...forwardedEndpoints, ...localEndpoints].map((it) => it.name)
  expect(new Set(ways.map((it) => it.name))).toEqual(new Set(names))
  expect(Object.keys(samples).sort()).toEqual([...names].sort())
  const styles = new Set(
    ways.filter((it) => it.name === 'chat.completions').map((it) => it.path.split('/')[2]),
  )
  expect(styles).toEqual(new Set(['chat', 'v1', 'deployments']))
})

test('without a policy every way leads to an answer', async () => {
  await world.putPolicies()
  const body = { model: 'gpt-4o', ...samples['chat.completions']?.body }
  const made = await send(gateway.origin, {
    headers: { authorization: `Bearer ${gateway.keys.normal}` },
    body,
  })
  const id = made.headers['x-request-id'] ?? ''
  for (const way of ways) {
    const reply = await call({ ...way, path: way.path.replace(SOME_CALL, id) })
    expect([way.path, reply.status, reply.status === 200 ? '' : String(reply.body)]).toEqual([
      way.path,
      200,
      '',
    ])
  }
})

async function refusesAll(ways: readonly Way[], expected: [status: number, code: string]): Promise<void> {
  gateway.fake.reset()
  for (const way of ways) {
    const before = gateway.records().length
    const reply = await call(way)
    const { error } = JSON.parse(reply.body.toString())
    expect([way.path, reply.status, error.code]).toEqual([way.path, ...expected])
    expect(error.headgate.denied_by).toBe('gateway_policy')
    const record = (await gateway.recordsWhen(before + 1))[before]
    expect(record).toMatchObject({
      endpoint: way.name,
      status: expected[0],
      errorCode: expected[1],
      outcome: 'refused',
    })
  }
  expect(gateway.fake.record()).toEqual([])
}

const levels = ['key', 'app', 'team', 'organisation'] as const

test.each(levels)(
  'an endpoint denied to the %s is refused by every path',
  { timeout: 30_000 },
  async (level) => {
    await world.putPolicies({ ownerId: world.owners[level], deniedEndpoints: Object.keys(samples) })
    await refusesAll(ways, [403, 'endpoint_not_allowed'])
  },
)

test.each(levels)('a model denied to the %s is refused by every path', { timeout: 30_000 }, async (level) => {
  const deniedModels = Object.values(samples).flatMap(({ model }) => (model === '' ? [] : [model]))
  await world.putPolicies({ ownerId: world.owners[level], deniedModels })
  await refusesAll(forwarded, [403, 'model_not_allowed'])
})

test('resources denied are refused by every path', async () => {
  await world.putPolicies({ deniedResources: world.document.resources.map((it) => it.id) })
  await refusesAll(forwarded, [403, 'resource_not_allowed'])
})

test.each([
  ['an allow list of endpoints that is empty', { allowedEndpoints: [] }, 403, 'endpoint_not_allowed'],
  ['an allow list of models that is empty', { allowedModels: [] }, 403, 'model_not_allowed'],
  ['a cap on the bytes of a request', { requestBytesMax: 1 }, 413, 'body_too_large'],
  ['a cap on the input', { inputTokensMax: 1 }, 400, 'context_length_exceeded'],
] satisfies [string, Said, number, string][])('%s holds on every path', async (_what, said, status, code) => {
  await world.putPolicies(said)
  await refusesAll(code === 'endpoint_not_allowed' ? ways : forwarded, [status, code])
})
