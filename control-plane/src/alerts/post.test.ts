/** A receiver has one deadline for all of its answer. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { post } from './post.ts'
import { receiverGuard } from './receiver-guard.ts'

let answer: (response: ServerResponse) => void
const server = createServer((_, response) => answer(response))
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const send = (deadlineMs: number) =>
  post(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
    ...{ headers: {}, body: '{}', guard: receiverGuard({ networks: [], allowLoopback: true }), deadlineMs },
  })

test('one that says nothing, and one that never ends, are given up on, and said to be', async () => {
  answer = () => {}
  await expect(send(200)).rejects.toThrow('no answer within 0.2 s')
  answer = (response) => {
    response.writeHead(200)
    const dripping = setInterval(() => response.write('.'), 20)
    response.once('close', () => clearInterval(dripping))
  }
  await expect(send(200)).rejects.toThrow('no answer within 0.2 s')
})

test('one that is slow and within its time is heard', async () => {
  answer = (response) => void setTimeout(() => response.end('late'), 100)
  expect(await send(30_000)).toEqual({ status: 200, text: 'late' })
})
