/** A stream has a heartbeat and an end: whoever loses the right, does not read, or holds too many is let go. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { EventSource } from '@headgate/admin-contract/event-stream'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { expect, onTestFinished, test } from 'vitest'
import { eventStreams, type OpenStream, type StreamRules } from './event-streams.ts'

const rules: StreamRules = {
  ...{ heartbeatMs: 50, slowMs: 200, farewellMs: 200, perCallerMax: 2, allMax: 3 },
  stopping: new AbortController().signal,
}

async function* quiet(): EventSource<unknown> & AsyncGenerator<null> {
  for (;;) {
    yield null
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function* endless(): AsyncGenerator<{ id: string; data: unknown }> {
  for (let n = 0; ; n++) {
    yield { id: String(n), data: { text: 'x'.repeat(10_000) } }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A server that sends one kind of stream to whoever comes; tells what became of each. */
async function serving(stream: Omit<OpenStream, 'caller'>, more: Partial<StreamRules> = {}) {
  const streams = eventStreams({ ...rules, ...more })
  const ends: Promise<unknown>[] = []
  const server = createServer((request, raw) => {
    const about = { id: 'req_1', path: '/' }
    const sent = streams.send(
      { ...stream, caller: request.url ?? '' },
      { raw, headers: {}, takeOver: () => {}, request: about },
    )
    ends.push(
      sent.catch((fault: AdminProblem) => {
        raw.writeHead(fault.status).end(fault.code)
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, ends }
}

const may = async () => {}

test('a quiet stream has a heartbeat, and ends when its reader may no more', async () => {
  let judged = 0
  const judge = async () => {
    judged += 1
    if (judged === 3) throw new AdminProblem('unauthenticated', 'This token was revoked.')
  }
  const { url, ends } = await serving({ events: quiet(), judge })
  const text = await (await fetch(url)).text()
  expect(text.match(/: alive/g)).toHaveLength(2)
  expect(text).toMatch(/event: problem\ndata: \{.*"code":"unauthenticated".*\}\n\n$/)
  await ends[0]
})

test('whoever does not read is cut, told why if they read on, and holds no memory of ours', async () => {
  const { port, ends } = await serving({ events: endless(), judge: may }, { farewellMs: 10_000 })
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
  })
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  // What the two ends of the connection hold in the kernel is a few megabytes; longer than that nobody waits.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  let read = 0
  let tail = ''
  socket.on('data', (piece) => {
    read += piece.length
    tail = (tail + piece).slice(-1_000)
  })
  socket.resume()
  await once(socket, 'end')
  expect(tail).toContain('"code":"stream_ended"')
  expect(tail).toContain('too slowly')
  expect(read).toBeLessThan(64 * 1024 * 1024)
  await ends[0]
})

test('whoever never reads again is let go all the same', async () => {
  const { port, ends } = await serving({ events: endless(), judge: may })
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
  })
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  while (ends.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  await ends[0]
})

test('a process that stops ends its streams with a word', async () => {
  const stopping = new AbortController()
  const { url } = await serving({ events: quiet(), judge: may }, { stopping: stopping.signal })
  const answer = await fetch(url)
  stopping.abort()
  expect(await answer.text()).toContain('"code":"draining"')
})

test('each caller holds a few and all together not many more; what ends makes room', async () => {
  const { url } = await serving({ events: quiet(), judge: may })
  const held: AbortController[] = []
  const open = async (caller: string) => {
    const closing = new AbortController()
    const answer = await fetch(`${url}/${caller}`, { signal: closing.signal })
    if (answer.ok) held.push(closing)
    return answer.ok ? 200 : answer.text()
  }
  onTestFinished(() => {
    for (const one of held) one.abort()
  })
  expect([await open('a'), await open('a'), await open('a')]).toEqual([200, 200, 'too_many_streams'])
  expect([await open('b'), await open('b')]).toEqual([200, 'too_many_streams'])
  held[0]?.abort()
  const endMs = performance.now() + 10_000
  while ((await open('b')) !== 200) expect(performance.now()).toBeLessThan(endMs)
})

test('what is wrong from the start is no stream', async () => {
  // biome-ignore lint/correctness/useYield: it fails before it has anything
  const broken = (async function* () {
    throw new AdminProblem('invalid_request', 'no')
  })() as AsyncGenerator<null>
  const { url } = await serving({ events: broken, judge: may })
  expect((await fetch(url)).status).toBe(400)
})
