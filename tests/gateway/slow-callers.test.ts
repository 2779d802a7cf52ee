/** A caller who sends its head drop by drop is let go in time, with an answer, and disturbs nobody. */
import { expect, test } from 'vitest'
import { startGateway } from './harness.ts'
import { bareSocket, chatBody, send } from './raw-client.ts'

test('a head that is not whole after ten seconds is a 408 and a closed connection', async () => {
  await using gateway = await startGateway()
  const bare = bareSocket(gateway.origin)
  const startMs = performance.now()
  bare.socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n')
  const drip = setInterval(() => bare.socket.write('x: y\r\n'), 500)
  await bare.closed
  clearInterval(drip)
  expect(performance.now() - startMs).toBeGreaterThan(9000)
  expect(bare.replies().map((it) => it.status)).toEqual([408])
  expect(JSON.parse(bare.replies()[0]?.body.toString() ?? '').error.code).toBe('request_timeout')
  const headers = { authorization: `Bearer ${gateway.keys.normal}` }
  expect((await send(gateway.origin, { headers, body: chatBody('gpt-4o') })).status).toBe(200)
})
