/** POST /chat/completions through the official clients, to every style of provider. */
import OpenAI, { AzureOpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_VERSION, clientNames, clients, isFarAway, openTarget, refusalOf, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

const messages = [{ role: 'user' as const, content: 'Say héllo 🙂' }]

describe.each(clientNames)('%s', (name) => {
  const client = () => clients[name](target)

  test('gets a whole answer from each provider style', async () => {
    for (const model of target.chatModels) {
      const answer = await client().chat.completions.create({ model, messages })
      expect(answer.object).toBe('chat.completion')
      expect(answer.choices[0]?.message.content).toContain('héllo')
      expect(answer.choices[0]?.finish_reason).toBe('stop')
      expect(answer.usage?.total_tokens).toBeGreaterThan(0)
    }
  })

  test('gets a stream with a finish and without usage it did not ask for', async () => {
    for (const model of target.chatModels) {
      let text = ''
      let finish: string | null = null
      for await (const chunk of await client().chat.completions.create({ model, messages, stream: true })) {
        text += chunk.choices[0]?.delta?.content ?? ''
        finish = chunk.choices[0]?.finish_reason ?? finish
        expect(chunk.usage ?? null).toBeNull()
      }
      expect(text).toContain('héllo')
      expect(finish).toBe('stop')
    }
  })

  test('gets usage in a stream when it asks for it, in the last chunk', async () => {
    for (const model of target.chatModels) {
      const chunks: OpenAI.ChatCompletionChunk[] = []
      const asked = { model, messages, stream: true, stream_options: { include_usage: true } } as const
      for await (const chunk of await client().chat.completions.create(asked)) chunks.push(chunk)
      expect(chunks.at(-1)?.choices).toEqual([])
      expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(0)
    }
  })

  test.skipIf(isFarAway)('gets tool calls, several choices and JSON in a schema', async () => {
    for (const model of target.chatModels) {
      const tool = { name: 'look', parameters: { type: 'object', properties: { at: { type: 'string' } } } }
      const tools = [{ type: 'function' as const, function: tool }]
      const called = await client().chat.completions.create({
        model,
        messages,
        tools,
        tool_choice: 'required',
        n: 2,
      })
      expect(called.choices).toHaveLength(2)
      expect(called.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'look' } })
      const json = await client().chat.completions.create({
        model,
        messages,
        response_format: { type: 'json_object' },
      })
      expect(JSON.parse(json.choices[0]?.message.content ?? '')).toBeTypeOf('object')
    }
  })

  test('is told of an unknown model as OpenAI would', async () => {
    const error = await refusalOf(client().chat.completions.create({ model: 'no-such-model', messages }))
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model', type: 'invalid_request_error' })
    expect(error.requestID).toMatch(/^req_/)
  })

  test('is told of a wrong key as OpenAI would', async () => {
    const refused = clients[name](target, 'hg_live_wrong')
    const error = await refusalOf(refused.chat.completions.create({ model: 'x', messages }))
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error.code).toBe('key_invalid')
  })

  test.skipIf(isFarAway)('reads the provider’s own refusal of a parameter, unchanged', async () => {
    for (const model of ['fail-400', 'v1.fail-400', 'dated.fail-400', 'v1.content-filter']) {
      const error = await refusalOf(client().chat.completions.create({ model, messages }))
      expect(error).toBeInstanceOf(OpenAI.BadRequestError)
      expect(error.message.length).toBeGreaterThan(10)
    }
  })

  test.skipIf(isFarAway)('sees provider failures as retryable errors of their own kind', async () => {
    const kinds = {
      'fail-500': 502,
      'fail-503': 503,
      'fail-429': 429,
      'fail-401': 502,
      redirect: 502,
      'early-reset': 502,
      'cut-json': 502,
    }
    for (const [model, status] of Object.entries(kinds)) {
      const error = await refusalOf(client().chat.completions.create({ model, messages }))
      expect(error.status, model).toBe(status)
      expect(error.headers?.get('x-should-retry'), model).toBe(model === 'fail-401' ? 'false' : 'true')
    }
  })

  test.skipIf(isFarAway)('throws on a stream that breaks off, and on an error inside one', async () => {
    for (const model of [
      'cut-mid-stream',
      'cut-clean',
      'error-in-stream',
      'v1.cut-clean',
      'dated.cut-mid-stream',
    ]) {
      const read = async () => {
        for await (const _ of await client().chat.completions.create({ model, messages, stream: true }));
      }
      await expect(read(), model).rejects.toThrow()
    }
  })

  test.skipIf(isFarAway)('retries by itself and is served when the provider recovers', async () => {
    const retrying = client().withOptions({ maxRetries: 2 })
    for (let i = 0; i < 3; i++) {
      const answer = await retrying.chat.completions.create({ model: 'demo-flaky', messages })
      expect(answer.choices).toHaveLength(1)
    }
  })

  test('aborts a stream without a trace of an error', async () => {
    const stream = await client().chat.completions.create({
      model: target.chatModels[0] ?? '',
      messages,
      stream: true,
    })
    for await (const _ of stream) break
    expect(stream.controller.signal.aborted).toBe(true)
  })
})

test('AzureOpenAI made for one deployment calls that one, whatever the body says', async () => {
  for (const deployment of target.chatModels) {
    const client = new AzureOpenAI({
      endpoint: target.origin,
      apiKey: target.key,
      apiVersion: API_VERSION,
      deployment,
      maxRetries: 0,
    })
    const answer = await client.chat.completions.create({ model: '', messages })
    expect(answer.choices).toHaveLength(1)
  }
})

test('a key may come in either header, and in both only when they agree', async () => {
  const send = (headers: Record<string, string>) =>
    fetch(`${target.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: target.chatModels[0], messages }),
    }).then((it) => it.status)
  const authorization = `Bearer ${target.key}`
  expect(await send({ authorization })).toBe(200)
  expect(await send({ 'api-key': target.key })).toBe(200)
  expect(await send({ authorization, 'api-key': target.key })).toBe(200)
  expect(await send({ authorization, 'api-key': 'other' })).toBe(401)
  expect(await send({ authorization: `Basic ${target.key}` })).toBe(401)
  expect(await send({})).toBe(401)
})
