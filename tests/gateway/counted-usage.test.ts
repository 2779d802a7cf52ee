/**
 * Calls whose usage no provider told: the record says what the text that was sent and received comes to, in tokens,
 * and the books of limits and budgets say the same.
 */

import type { BudgetRule } from '@headgate/domain/budget'
import { countTokens, encodeChat } from 'gpt-tokenizer/model/gpt-4o'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { prompts } from '../pricing/prompts.ts'
import { budget, budgetWorld, CENT, ports } from './budget-world.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { bareSocket, chatBody, open, requestText, send } from './raw-client.ts'

const LONG = 'long-stream-200s'
let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({
    fake: { keepAnswers: true, speed: 50 },
    models: ['cut-mid-stream-2', 'cut-mid-stream-20', 'stall-mid-stream-9', LONG],
    priced: ['cut-mid-stream', 'no-usage'],
  })
})
afterAll(() => gateway.stop())

const authorization = () => ({ authorization: `Bearer ${gateway.keys.normal}` })

/** The record of the one call that the work makes. */
async function recordOf(work: () => Promise<unknown>) {
  const before = gateway.records().length
  await work()
  return (await gateway.recordsWhen(before + 1))[before]
}

const events = (bytes: Buffer | string): Record<string, never>[] =>
  bytes
    .toString()
    .split(/\r?\n\r?\n/)
    .slice(0, -1)
    .filter((it) => it.includes('data: {'))
    .map((it) => JSON.parse(it.slice(it.indexOf('data: ') + 6)))

/** What a caller read of a chat, as one text. */
const chatText = (bytes: Buffer | string) =>
  (events(bytes) as { choices?: { delta: { content?: string } }[] }[])
    .map((it) => it.choices?.[0]?.delta.content ?? '')
    .join('')
const responseText = (bytes: Buffer | string) =>
  (events(bytes) as { type?: string; delta?: string }[])
    .map((it) => (it.type === 'response.output_text.delta' ? it.delta : ''))
    .join('')

/** Reads a stream until it is cut. */
async function readCut(path: string, body: object): Promise<string> {
  const message = await open(gateway.origin, { path, headers: authorization(), body })
  let text = ''
  message.setEncoding('utf8')
  message.on('data', (it) => {
    text += it
  })
  await new Promise((done) => message.on('close', done))
  return text
}

const told = prompts.filter((_, i) => i % 25 === 3)

test.each(told)('a stream that was cut is counted to the token: $kind', async ({ text }) => {
  const messages = [{ role: 'user' as const, content: text }]
  let read = ''
  const record = await recordOf(async () => {
    read = await readCut('/v1/chat/completions', { model: 'cut-mid-stream-20', stream: true, messages })
  })
  expect(record).toMatchObject({
    outcome: 'truncated',
    usageSource: 'counted',
    errorCode: 'upstream_truncated',
  })
  const said = chatText(read)
  expect(said.length).toBeGreaterThan(20)
  expect(record?.tokens).toEqual({
    ...{ input: encodeChat(messages).length, cachedInput: 0, output: countTokens(said), reasoning: 0 },
  })
})

test('a response that was cut is counted to the token', async () => {
  let read = ''
  const record = await recordOf(async () => {
    read = await readCut('/v1/responses', { model: 'cut-mid-stream-20', stream: true, input: 'Hello' })
  })
  const output = countTokens(responseText(read))
  expect(output).toBeGreaterThan(5)
  expect(record).toMatchObject({ usageSource: 'counted', tokens: { input: 8, output } })
})

test('a caller who leaves pays for what it was sent', async () => {
  const bare = bareSocket(gateway.origin)
  const record = await recordOf(async () => {
    const body = chatBody('stall-mid-stream-9', { stream: true })
    bare.socket.write(requestText(gateway.keys.normal, { body }), 'latin1')
    await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.eventsSent).toBe(9))
    await bare.until((it) => it.split('data: ').length > 9)
    bare.socket.destroy()
  })
  await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.answer).toBeTruthy())
  const sent = gateway.fake.record().at(-1)?.answer ?? ''
  expect(record).toMatchObject({
    ...{ outcome: 'aborted', usageSource: 'counted', errorCode: 'client_closed' },
    tokens: { output: countTokens(chatText(sent)) },
  })
})

test('a long stream, of which only its text is kept, is counted as if all of it were', async () => {
  let read = ''
  const record = await recordOf(async () => {
    const message = await open(gateway.origin, {
      headers: authorization(),
      body: { model: LONG, stream: true, max_tokens: 2000, messages: [{ role: 'user', content: 'Hello' }] },
    })
    message.setEncoding('utf8').on('error', () => {})
    for await (const it of message) {
      read += it
      if (read.length > 60_000) break
    }
  })
  const least = countTokens(chatText(read))
  // What was on its way when the caller left had been forwarded too.
  const onItsWay = (gateway.fake.record().at(-1)?.eventsSent ?? 0) - events(read).length
  expect(record?.usageSource).toBe('counted')
  expect(record?.tokens.output).toBeGreaterThanOrEqual(least - 2)
  expect(record?.tokens.output).toBeLessThanOrEqual(least + 4 * onItsWay)
  expect(least).toBeGreaterThan(150)
})

test.each([
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello' }] }, 8],
  ['/v1/responses', { input: 'Hello' }, 8],
  ['/v1/completions', { prompt: 'Hello' }, 1],
  ['/v1/embeddings', { input: 'Hello' }, 1],
])(
  'an answer of %s without usage is counted, and its caller does not wait for it',
  async (path, body, input) => {
    for (const stream of path === '/v1/embeddings' ? [false] : [false, true]) {
      let reply: Awaited<ReturnType<typeof send>> | undefined
      const record = await recordOf(async () => {
        reply = await send(gateway.origin, {
          path,
          headers: authorization(),
          body: { model: 'no-usage', stream, ...body },
        })
      })
      expect(record, path).toMatchObject({ outcome: 'succeeded', usageSource: 'counted', tokens: { input } })
      const output = stream || path === '/v1/embeddings' ? null : wholeText(reply?.body)
      if (output !== null) expect(record?.tokens.output).toBe(countTokens(output))
      if (path === '/v1/embeddings') expect(record?.tokens.output).toBe(0)
      expect(reply?.headers['x-headgate-cost']).toBeUndefined()
      expect(Number(reply?.headers['x-headgate-cost-estimate'])).toBeGreaterThanOrEqual(
        (record?.costNanos ?? 0) / 1e9,
      )
    }
  },
)

function wholeText(body: Buffer | undefined): string {
  const it = JSON.parse(String(body))
  return it.choices?.[0].message?.content ?? it.choices?.[0].text ?? it.output[0].content[0].text
}

test('a call that broke before its answer is billed its prompt, counted', async () => {
  const record = await recordOf(async () => {
    const bare = bareSocket(gateway.origin)
    bare.socket.write(requestText(gateway.keys.normal, { body: chatBody('stall') }), 'latin1')
    await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.model).toBe('stall'))
    bare.socket.destroy()
  })
  const { messages } = JSON.parse(String(chatBody('stall')))
  expect(record).toMatchObject({
    ...{ outcome: 'aborted', usageSource: 'counted' },
    tokens: { input: encodeChat(messages).length, output: 0 },
  })
})

test.each(ports)(
  'on %s: budget and record say the same of a call that was counted, and nothing is held on',
  async (port) => {
    const world = budgetWorld()
    const rules: BudgetRule[] = []
    await world.start(port, {
      ...{ models: ['cut-mid-stream-9'], priced: ['cut-mid-stream-9', 'no-usage'] },
      budgets: ({ teamId }) => {
        rules.push(budget(teamId, teamId, { amountNanos: 100 * CENT }))
        return rules
      },
    })
    await world.ask('cut-mid-stream-9', { stream: true }).catch(() => {})
    await world.ask('no-usage')
    const records = await world.gateway.recordsWhen(2)
    expect(records.map((it) => it.usageSource)).toEqual(['counted', 'counted'])
    const cost = records.reduce((sum, it) => sum + (it.costNanos ?? 0), 0)
    expect(cost).toBeGreaterThan(0)
    await vi.waitFor(async () => expect(await world.spentOf(rules[0] as BudgetRule)).toBe(cost))
    await world.stop()
  },
)

test('what is counted is counted once, by the outcome, beside the calls', async () => {
  const page = await send(gateway.opsOrigin, { method: 'GET', path: '/metrics' })
  const [, counts] = /headgate_token_counts_total\{outcome="counted"\} (\d+)/.exec(page.body.toString()) ?? []
  expect(Number(counts)).toBe(gateway.records().filter((it) => it.usageSource === 'counted').length)
  for (const outcome of ['given_up', 'late', 'full', 'died'])
    expect(page.body.toString()).toContain(`headgate_token_counts_total{outcome="${outcome}"} 0\n`)
})

test('a gateway that stops waits for the counts of what it has cut', async () => {
  const own = await startGateway({ models: ['stall-mid-stream-3'], drainMs: 100 })
  const bare = bareSocket(own.origin)
  bare.socket.write(
    requestText(own.keys.normal, { body: chatBody('stall-mid-stream-3', { stream: true }) }),
    'latin1',
  )
  await bare.until((it) => it.split('data: ').length > 3)
  await own.stopGateway()
  expect(own.records()).toMatchObject([
    { outcome: 'truncated', errorCode: 'draining', usageSource: 'counted' },
  ])
  await own.stop()
})
