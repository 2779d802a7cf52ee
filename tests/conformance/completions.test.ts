/** POST /completions, the legacy text form, through the official clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientNames, clients, isFarAway, openTarget, refusalOf, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

describe.each(clientNames)('%s', (name) => {
  test('gets a whole answer and a stream from each provider style', async () => {
    const client = clients[name](target)
    for (const model of target.chatModels) {
      const answer = await client.completions.create({ model, prompt: 'Once upon' })
      expect(answer.object).toBe('text_completion')
      let text = ''
      for await (const chunk of await client.completions.create({
        model,
        prompt: 'Once upon',
        stream: true,
      })) {
        text += chunk.choices[0]?.text ?? ''
        expect(chunk.usage ?? null).toBeNull()
      }
      expect(text).toBe(answer.choices[0]?.text)
    }
  })

  test.skipIf(isFarAway)('is told of failures, and throws on a stream that breaks off', async () => {
    const client = clients[name](target)
    const error = await refusalOf(client.completions.create({ model: 'fail-500', prompt: 'x' }))
    expect([error.status, error.code]).toEqual([502, 'upstream_error'])
    const read = async () => {
      for await (const _ of await client.completions.create({
        model: 'cut-clean',
        prompt: 'x',
        stream: true,
      }));
    }
    await expect(read()).rejects.toThrow()
  })
})
