/** POST /embeddings through the official clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientNames, clients, isFarAway, openTarget, refusalOf, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

describe.each(clientNames)('%s', (name) => {
  test('gets vectors from each provider style, as numbers and packed', async () => {
    const client = clients[name](target)
    for (const model of target.embeddingModels) {
      const packed = await client.embeddings.create({ model, input: ['one', 'two'] })
      const plain = await client.embeddings.create({ model, input: ['one', 'two'], encoding_format: 'float' })
      expect(plain.data.map((it) => it.index)).toEqual([0, 1])
      expect(packed.data[0]?.embedding.length).toBe(plain.data[0]?.embedding.length)
      expect(plain.usage.total_tokens).toBeGreaterThan(0)
    }
  })

  test.skipIf(isFarAway)('asks for fewer dimensions and gets them', async () => {
    const client = clients[name](target)
    const answer = await client.embeddings.create({ model: 'demo-embed', input: 'one', dimensions: 8 })
    expect(answer.data[0]?.embedding).toHaveLength(8)
  })

  test('is told of an unknown model', async () => {
    const error = await refusalOf(clients[name](target).embeddings.create({ model: 'nobody', input: 'x' }))
    expect([error.status, error.code]).toEqual([404, 'model_not_found'])
  })
})

test.skipIf(isFarAway)('a large answer arrives whole and its usage is recorded', async () => {
  const input = Array.from({ length: 100 }, (_, i) => `text ${i}`)
  const client = clients['OpenAI at /v1'](target)
  const answer = await client.embeddings.create({ model: 'demo-embed', input, encoding_format: 'float' })
  expect(answer.data).toHaveLength(100)
  const record = target.own?.records().at(-1)
  expect(record).toMatchObject({
    usageSource: 'reported',
    tokens: { input: answer.usage.prompt_tokens, output: 0 },
  })
  expect(record?.replyBytes).toBeGreaterThan(500_000)
})
