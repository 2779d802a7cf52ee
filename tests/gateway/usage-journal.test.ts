/** What cannot be written down is not sent, and what is not sent is not charged. */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Used } from '@headgate/domain/reservation'
import { expect, onTestFinished, test } from 'vitest'
import { startGateway, type TestPorts } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

/** A gateway whose usage stream is changed, and what its ledger is told at the end of calls. */
async function gatewayWith(change: (usage: TestPorts['usage']) => Partial<TestPorts['usage']>) {
  const settled: Used[] = []
  const gateway = await startGateway({
    spoil: ({ usage, ledger }) => ({
      usage: { ...usage, ...change(usage) },
      ledger: {
        ...ledger,
        settle: (ask, used) => {
          settled.push(used)
          ledger.settle(ask, used)
        },
      },
    }),
  })
  onTestFinished(() => gateway.stop())
  const headers = { authorization: `Bearer ${gateway.keys.limited}` }
  const call = (body: string, path?: string) => send(gateway.origin, { headers, body, ...(path && { path }) })
  return { gateway, settled, headers, call }
}

const codeOf = (body: Buffer) => JSON.parse(body.toString()).error?.code

test('a call whose intent cannot be written is refused, unsent and uncharged, and tried nowhere else', async () => {
  const { gateway, settled, call } = await gatewayWith((usage) => ({
    intend: (intent) => ({
      ...usage.intend(intent),
      secure: () => {
        throw new GatewayError('journal_full', { retryAfterMs: 5_000 })
      },
    }),
  }))
  for (const model of ['gpt-4o', 'failover-500']) {
    const reply = await call(chatBody(model))
    expect([reply.status, codeOf(reply.body)]).toEqual([503, 'journal_full'])
    expect(reply.headers['retry-after-ms']).toBe('5000')
  }
  expect(gateway.fake.record()).toEqual([])
  const records = await gateway.recordsWhen(2)
  expect(records.map((it) => [it.errorCode, it.attempt, it.costState])).toEqual([
    ['journal_full', 1, 'none'],
    ['journal_full', 1, 'none'],
  ])
  expect(settled.map((it) => it.sent)).toEqual([false, false])
})

test('with a full journal what costs something is refused before anything is held; the rest is served', async () => {
  const { gateway, settled, headers, call } = await gatewayWith(() => ({ full: () => true }))
  const reply = await call(chatBody('gpt-4o'))
  expect([reply.status, codeOf(reply.body)]).toEqual([503, 'journal_full'])
  expect(reply.headers['x-should-retry']).toBe('true')
  expect(settled).toEqual([])
  expect(gateway.fake.record()).toEqual([])
  const free = await call(JSON.stringify({ model: 'omni-moderation-latest', input: 'x' }), '/v1/moderations')
  expect(free.status).toBe(200)
  expect((await send(gateway.origin, { method: 'GET', path: '/v1/models', headers })).status).toBe(200)
  expect((await send(gateway.opsOrigin, { method: 'GET', path: '/readyz' })).status).toBe(503)
})
