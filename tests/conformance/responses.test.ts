/** POST /responses (create) through the official clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientNames, clients, isFarAway, openTarget, refusalOf, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

describe.each(clientNames)('%s', (name) => {
  test('gets a whole response from each provider style', async () => {
    for (const model of target.chatModels) {
      const response = await clients[name](target).responses.create({ model, input: 'Say héllo' })
      expect(response.status).toBe('completed')
      expect(response.output_text).toContain('héllo')
      expect(response.usage?.total_tokens).toBeGreaterThan(0)
    }
  })

  test('gets named events in order, with usage in the last', async () => {
    for (const model of target.chatModels) {
      const types: string[] = []
      let text = ''
      let tokens = 0
      for await (const event of await clients[name](target).responses.create({
        model,
        input: 'Say héllo',
        stream: true,
      })) {
        types.push(event.type)
        if (event.type === 'response.output_text.delta') text += event.delta
        if (event.type === 'response.completed') tokens = event.response.usage?.total_tokens ?? 0
      }
      expect(types[0]).toBe('response.created')
      expect(types.at(-1)).toBe('response.completed')
      expect(text).toContain('héllo')
      expect(tokens).toBeGreaterThan(0)
    }
  })

  test.skipIf(isFarAway)('does not take a broken stream for a whole one', async () => {
    for (const model of ['cut-mid-stream', 'cut-clean', 'v1.cut-clean']) {
      const read = async () => {
        for await (const _ of await clients[name](target).responses.create({
          model,
          input: 'x',
          stream: true,
        }));
      }
      await expect(read(), model).rejects.toThrow()
    }
  })

  test.skipIf(isFarAway)('is told of failures in the shape of the API', async () => {
    const error = await refusalOf(clients[name](target).responses.create({ model: 'fail-503', input: 'x' }))
    expect([error.status, error.code]).toEqual([503, 'upstream_capacity'])
  })
})

test.skipIf(isFarAway)(
  'the tokens of a streamed response are recorded as the provider reported them',
  async () => {
    const own = target.own
    if (own === null) return
    const before = own.records().length
    const stream = await clients['OpenAI at /v1'](target).responses.create({
      model: 'reasoning',
      input: 'x',
      stream: true,
    })
    for await (const _ of stream);
    const record = (await own.recordsWhen(before + 1)).at(-1)
    const billed = own.fake.record().at(-1)?.billed
    expect(record).toMatchObject({ outcome: 'succeeded', usageSource: 'reported' })
    expect(record?.tokens).toMatchObject({
      input: billed?.prompt,
      output: billed?.completion,
      reasoning: billed?.reasoning,
    })
  },
)
