/** What is known of models decides where calls can go, what they are held to, and what callers are shown. */
import { ModelEntry, NewModelEntry } from '@headgate/domain/model-entry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({ routes: { chosen: [['gpt-4o', 'gpt-4o-mini']] } })
})
afterAll(() => gateway.stop())

const headers = () => ({ authorization: `Bearer ${gateway.keys.limited}` })
const chat = (model: string, more: object = {}) =>
  send(gateway.origin, { headers: headers(), body: chatBody(model, more) })
const embed = (model: string) =>
  send(gateway.origin, {
    ...{ path: '/v1/embeddings', headers: headers() },
    body: JSON.stringify({ model, input: 'hello' }),
  })
const shown = async (model: string) => {
  const reply = await fetch(`${gateway.origin}/v1/models/${model}`, { headers: headers() })
  return (await reply.json()) as object
}

async function know(...entries: object[]): Promise<void> {
  const modelEntries = entries.map((it, n) =>
    ModelEntry.parse({
      ...NewModelEntry.parse(it),
      ...{ id: `mdl_${String(n).padStart(26, '0')}`, createdAt: '2026-01-01T00:00:00Z' },
    }),
  )
  const version = await gateway.publish((document) => ({ ...document, modelEntries }))
  await expect
    .poll(async () => (await chat('gpt-4o')).headers['x-headgate-config-version'], { timeout: 10_000 })
    .toBe(String(version))
}

test('a call goes only where the model serves its endpoint, and is refused where none does', async () => {
  await know(
    { name: 'gpt-4o', endpoints: ['chat.completions'] },
    { name: 'gpt-4o-mini', endpoints: ['embeddings'] },
  )
  for (let n = 0; n < 8; n++) {
    expect((await chat('chosen')).headers['x-headgate-deployment']).toBe('gpt-4o')
    expect((await embed('chosen')).headers['x-headgate-deployment']).toBe('gpt-4o-mini')
  }
  const refused = await embed('gpt-4o')
  expect(refused.status).toBe(400)
  expect(JSON.parse(refused.body.toString()).error.code).toBe('endpoint_not_offered')
})

test('the longest answer of a model bounds what a call is held to, and policies and callers may ask for less', async () => {
  const most = async (max: number) => {
    const reply = await chat('gpt-4o', { stream: true, max_completion_tokens: max })
    return Number(reply.headers['x-headgate-cost-estimate']?.split(' ')[0])
  }
  await know()
  const [long, hundred, ten] = [await most(100_000), await most(100), await most(10)]
  expect(long).toBeGreaterThan(hundred)
  await know({ name: 'gpt-4o', outputTokensMax: 100 })
  expect(await most(100_000)).toBe(hundred)
  expect(await most(10)).toBe(ten)
  await know({ name: 'gpt-4o', provider: 'azure', outputTokensMax: 100 })
  expect(await most(100_000)).toBe(long)
})

test('callers are shown what holds for all deployments of a model, and nothing where one is unknown', async () => {
  const figures = { contextTokens: 128_000, outputTokensMax: 16_384 }
  await know({ name: 'gpt-4o', ...figures })
  expect(await shown('gpt-4o')).toMatchObject({ context_window: 128_000, max_output_tokens: 16_384 })
  expect(Object.keys(await shown('chosen'))).toEqual(['id', 'object', 'created', 'owned_by'])
  await know({ name: 'gpt-4o', ...figures }, { name: 'gpt-4o-mini', contextTokens: 64_000 })
  expect(await shown('chosen')).toMatchObject({ context_window: 64_000 })
  expect(await shown('chosen')).not.toHaveProperty('max_output_tokens')
})
