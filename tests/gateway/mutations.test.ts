/** Ten thousand requests gone wrong: the gateway stays up, and every call it heard leaves one record, no more, no less. */
import { expect, test, vi } from 'vitest'
import { rounds } from '../servers/rounds.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { mutate, randomFrom } from './mutate.ts'
import { type BareSocket, bareSocket, chatBody, requestText, send } from './raw-client.ts'

const SEED = 20_260_115
const CONNECTIONS = 32
const REQUESTS_EACH_MAX = 25
/** What has not been answered by then waits for bytes that will not come; generous, since a busy machine answers late. */
const QUIET_MS = 1000

const MODELS = [
  'gpt-4o',
  'v1.gpt-4o',
  'dated.gpt-4o',
  'garbage-events',
  'cut-mid-stream',
  'error-in-stream',
  'fail-500',
  'cut-json',
  'failover-500',
]

/** Requests to begin with: each endpoint, whole and as a stream, in each path style. */
function seeds(gateway: TestGateway): string[] {
  const { normal, limited, fewRequests, revoked } = gateway.keys
  const chats = MODELS.flatMap((model) => [
    requestText(normal, { body: chatBody(model) }),
    requestText(limited, { body: chatBody(model, { stream: true }) }),
  ])
  const chunkedBody = chatBody('gpt-4o')
  const chunks = `${Buffer.byteLength(chunkedBody).toString(16)}\r\n${Buffer.from(chunkedBody).toString('latin1')}\r\n0\r\n\r\n`
  return [
    ...chats,
    requestText(normal, {
      body: chatBody('gpt-4o', { stream: true, stream_options: { include_usage: true } }),
    }),
    requestText(normal, {
      path: '/v1/embeddings',
      body: '{"model":"demo-embed","input":["a","b"],"dimensions":8}',
    }),
    requestText(normal, { path: '/v1/responses', body: '{"model":"gpt-4o","input":"hi","stream":true}' }),
    requestText(normal, { path: '/v1/moderations', body: '{"input":"hi"}' }),
    requestText(normal, { path: '/v1/completions', body: '{"model":"gpt-4o","prompt":"hi"}' }),
    requestText(normal, {
      path: '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
      body: chatBody('x'),
    }),
    requestText(normal, { method: 'GET', path: '/v1/models' }),
    requestText(normal, { method: 'GET', path: '/openai/v1/models/gpt-4o' }),
    requestText(fewRequests, { body: chatBody('gpt-4o') }),
    requestText(revoked, { body: chatBody('gpt-4o') }),
    `POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${normal}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
  ]
}

const idsIn = (text: string) =>
  [...text.matchAll(/^x-request-id: (req_[0-9A-Z]{26})\r$/gm)].map((it) => it[1] as string)

/** Waits for one more reply, the end of the connection, or silence. True when the connection can go on. */
function answered(bare: BareSocket, repliesBefore: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (goesOn: boolean) => {
      clearTimeout(quiet)
      bare.socket.off('data', look)
      bare.socket.off('close', gone)
      resolve(goesOn)
    }
    const gone = () => finish(false)
    const look = () => {
      quiet.refresh()
      const replies = bare.replies()
      const closing = /close/i.test(replies.at(-1)?.headers['connection'] ?? '')
      if (replies.length > repliesBefore && !closing) finish(!bare.socket.destroyed)
    }
    const quiet = setTimeout(gone, QUIET_MS)
    bare.socket.on('data', look)
    bare.socket.on('close', gone)
  })
}

async function sendMutations(
  gateway: TestGateway,
  count: { left: number },
  random: () => number,
): Promise<string[]> {
  const from = seeds(gateway)
  const ids: string[] = []
  while (count.left > 0) {
    const bare = bareSocket(gateway.origin)
    let goesOn = true
    for (let i = 0; goesOn && i < REQUESTS_EACH_MAX && count.left-- > 0; i++) {
      const before = bare.replies().length
      bare.socket.write(mutate(from[Math.floor(random() * from.length)] as string, random), 'latin1')
      goesOn = await answered(bare, before)
    }
    bare.socket.destroy()
    ids.push(...idsIn(bare.text()))
  }
  return ids
}

test('ten thousand mutated requests leave the gateway up and each attempt with exactly one record', async () => {
  const gateway = await startGateway()
  const count = { left: rounds(10_000) }
  const workers = Array.from({ length: CONNECTIONS }, (_, i) =>
    sendMutations(gateway, count, randomFrom(SEED + i)),
  )
  const replied = (await Promise.all(workers)).flat()
  await vi.waitFor(
    async () => {
      const metrics = await send(gateway.opsOrigin, { method: 'GET', path: '/metrics' })
      expect(metrics.body.toString()).toContain('headgate_open_requests 0')
    },
    { timeout: 10_000, interval: 50 },
  )
  const records = gateway.records()
  const recorded = new Map(records.map((it) => [it.requestId, it]))
  expect(new Set(records.map((it) => `${it.requestId}.${it.attempt}`)).size).toBe(records.length)
  const perCall = Map.groupBy(records, (it) => it.requestId)
  expect([...perCall.values()].filter((own) => own.length > Math.max(1, own.at(-1)?.attempt ?? 0))).toEqual(
    [],
  )
  expect(replied.filter((id) => !recorded.has(id))).toEqual([])
  const answeredIds = new Set(replied)
  expect(answeredIds.size).toBe(replied.length)
  const ends = [...perCall.values()].flatMap((own) => own.at(-1) ?? [])
  const unanswered = ends.filter((it) => !answeredIds.has(it.requestId))
  expect(unanswered.filter((it) => it.errorCode !== 'client_closed')).toEqual([])
  expect(records.filter((it) => it.errorCode === 'internal_error')).toEqual([])
  expect(gateway.logLines.filter((it) => it.level === 'error')).toEqual([])
  expect(new Set(records.map((it) => it.outcome)).size).toBe(5)
  expect((await send(gateway.origin, { method: 'GET', path: '/readyz' })).status).toBe(200)
  await gateway.stop()
}, 600_000)
