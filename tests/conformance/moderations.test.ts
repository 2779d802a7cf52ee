/** POST /moderations through the official clients. Azure does not have it; the gateway offers it where the model is OpenAI's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clients, isFarAway, openTarget, refusalOf, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

const names = ['OpenAI at /v1', 'OpenAI at /openai/v1'] as const

describe.skipIf(isFarAway).each(names)('%s', (name) => {
  test('gets a judgement, with and without naming a model', async () => {
    const client = clients[name](target)
    const named = await client.moderations.create({
      model: 'omni-moderation-latest',
      input: ['fine', 'also fine'],
    })
    expect(named.results).toHaveLength(2)
    expect((await client.moderations.create({ input: 'fine' })).results[0]?.flagged).toBe(false)
  })

  test('is told when the model’s provider does not offer it', async () => {
    for (const model of ['v1.gpt-4o', 'dated.gpt-4o']) {
      const error = await refusalOf(clients[name](target).moderations.create({ model, input: 'x' }))
      expect([error.status, error.code]).toEqual([400, 'endpoint_not_offered'])
    }
  })
})

test.skipIf(isFarAway)('a moderation is recorded and costs nothing', async () => {
  await clients['OpenAI at /v1'](target).moderations.create({ input: 'fine' })
  expect(target.own?.records().at(-1)).toMatchObject({
    endpoint: 'moderations',
    costState: 'none',
    tokens: { input: 0, output: 0 },
  })
})

test('Azure’s dated form has no such path', async () => {
  const error = await refusalOf(clients['AzureOpenAI by endpoint'](target).moderations.create({ input: 'x' }))
  expect([error.status, error.code]).toEqual([404, 'unknown_endpoint'])
})
