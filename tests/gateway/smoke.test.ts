/** The first call flows: the official client, one answer whole and one as a stream, and a record for each. */
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { startGateway } from './harness.ts'

test('the official client gets an answer, a stream and a list of models, and each leaves a record', async () => {
  await using gateway = await startGateway()
  const client = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: gateway.keys.normal, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'Hello there' }]
  const whole = await client.chat.completions.create({ model: 'gpt-4o', messages })
  expect(whole.choices[0]?.message.content).toContain('Hello there')
  let text = ''
  for await (const chunk of await client.chat.completions.create({
    model: 'gpt-4o',
    messages,
    stream: true,
  })) {
    text += chunk.choices[0]?.delta.content ?? ''
    expect(chunk.usage ?? null).toBeNull()
  }
  expect(text).toBe(whole.choices[0]?.message.content)
  const models = await client.models.list()
  expect(models.data.map((it) => it.id)).toContain('gpt-4o')
  const records = await gateway.recordsWhen(3)
  expect(records.map((it) => [it.endpoint, it.outcome, it.usageSource])).toEqual([
    ['chat.completions', 'succeeded', 'reported'],
    ['chat.completions', 'succeeded', 'reported'],
    ['models.list', 'succeeded', 'none'],
  ])
  expect(records.map((it) => it.tokens.input + it.tokens.output)).toEqual([
    ...gateway.fake.record().map((it) => it.billed.total),
    0,
  ])
})
