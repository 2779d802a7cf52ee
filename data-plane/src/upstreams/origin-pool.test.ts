/** The pool over real sockets, plain and TLS: what is reused, what is thrown away, what is refused. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { selfSigned } from '../../../tests/servers/self-signed.ts'
import { Exchange } from './exchange.ts'
import { OriginPool } from './origin-pool.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const HEAD = 'POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n'
const PATIENT = { headMs: 10_000, idleMs: 10_000, totalMs: 10_000 }

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

/** An upstream that answers every request on every connection with what `answer` says. */
async function upstream(answer: (socket: Socket, request: number) => void, tls = false) {
  const sockets = new Set<Socket>()
  let requests = 0
  let connections = 0
  const onSocket = (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', () => answer(socket, ++requests))
  }
  const { key, certificate: cert } = selfSigned
  const server: Server = tls ? createTlsServer({ key, cert }, onSocket) : createServer(onSocket)
  if (tls) server.on('tlsClientError', () => {})
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  cleanUps.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port, sockets, connections: () => connections }
}

function poolTo(origin: string): OriginPool {
  const pool = new OriginPool(new URL(origin), false)
  cleanUps.push(() => pool.close())
  return pool
}

function send(pool: OriginPool): Exchange {
  const exchange = new Exchange(PATIENT, performance.now(), () => {})
  pool.send({ head: HEAD, body: null, exchange, account: { sending: () => {}, secure: () => {} } })
  return exchange
}

function whole(exchange: Exchange): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    exchange.head.catch(reject)
    exchange.read({
      onBytes: (bytes) => pieces.push(bytes),
      onEnd: () => resolve(Buffer.concat(pieces).toString()),
      onBroken: reject,
    })
  })
}

/** Lets what the other side has sent, a close for instance, arrive. */
const settled = () => new Promise((done) => setTimeout(done, 30))

test('a connection that answered well carries the next request', async () => {
  const up = await upstream((socket) => socket.write(OK))
  const pool = poolTo(`http://127.0.0.1:${up.port}`)
  for (let i = 0; i < 5; i++) expect(await whole(send(pool))).toBe('ok')
  expect(up.connections()).toBe(1)
})

test('requests at once get connections of their own', async () => {
  const up = await upstream((socket) => setTimeout(() => socket.write(OK), 20))
  const pool = poolTo(`http://127.0.0.1:${up.port}`)
  await Promise.all([send(pool), send(pool), send(pool)].map(whole))
  expect(up.connections()).toBe(3)
})

test('bytes after an answer never reach the next request: the connection is thrown away', async () => {
  const up = await upstream((socket, request) =>
    socket.write(request === 1 ? `${OK}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison` : OK),
  )
  const pool = poolTo(`http://127.0.0.1:${up.port}`)
  expect(await whole(send(pool))).toBe('ok')
  await settled()
  expect(await whole(send(pool))).toBe('ok')
  expect(up.connections()).toBe(2)
})

test('an answer that asks to close, or ends by closing, ends its connection', async () => {
  const up = await upstream((socket, request) => {
    if (request === 1) socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok')
    else socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')
  })
  const pool = poolTo(`http://127.0.0.1:${up.port}`)
  expect(await whole(send(pool))).toBe('ok')
  await settled()
  expect(await whole(send(pool))).toBe('until the end')
  expect(up.connections()).toBe(2)
})

test('an upstream that hangs up an idle connection costs the next request nothing', async () => {
  const up = await upstream((socket) => socket.write(OK))
  const pool = poolTo(`http://127.0.0.1:${up.port}`)
  await whole(send(pool))
  for (const socket of up.sockets) socket.end()
  await settled()
  expect(await whole(send(pool))).toBe('ok')
})

test('half an answer is told as broken, never as an end', async () => {
  const up = await upstream((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
  const exchange = send(poolTo(`http://127.0.0.1:${up.port}`))
  expect((await exchange.head).status).toBe(200)
  await expect(whole(exchange)).rejects.toThrow('the upstream')
})

test('cancelling closes the connection at once', async () => {
  const up = await upstream(() => {})
  const exchange = send(poolTo(`http://127.0.0.1:${up.port}`))
  await expect.poll(() => up.sockets.size).toBe(1)
  exchange.cancel(new Error('enough'))
  await expect(exchange.head).rejects.toThrow('enough')
  await expect.poll(() => up.sockets.size).toBe(0)
})

test('a paused exchange takes no more bytes until it is resumed', async () => {
  const body = 'x'.repeat(8 * 1024 * 1024)
  const up = await upstream((socket) =>
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
  )
  const exchange = send(poolTo(`http://127.0.0.1:${up.port}`))
  await exchange.head
  exchange.pause()
  let bytes = 0
  const ended = new Promise<void>((done) =>
    exchange.read({ onBytes: (it) => (bytes += it.length), onEnd: done, onBroken: () => {} }),
  )
  await settled()
  const whilePaused = bytes
  await settled()
  expect(bytes).toBe(whilePaused)
  expect(bytes).toBeLessThan(body.length)
  exchange.resume()
  await ended
  expect(bytes).toBe(body.length)
})

test('nobody listening is a connect fault', async () => {
  const up = await upstream(() => {})
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
  await expect(send(poolTo(`http://127.0.0.1:${up.port}`)).head).rejects.toMatchObject({
    name: 'ConnectFault',
  })
})

test('over TLS a certificate nobody vouches for is refused before a byte of the request leaves', async () => {
  let heard = 0
  const up = await upstream(() => heard++, true)
  await expect(send(poolTo(`https://localhost:${up.port}`)).head).rejects.toMatchObject({
    name: 'ConnectFault',
  })
  expect(heard).toBe(0)
})

test('over TLS a trusted certificate serves its own name and no other', async () => {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, selfSigned.certificate])
  try {
    const up = await upstream((socket) => socket.write(OK), true)
    expect(await whole(send(poolTo(`https://localhost:${up.port}`)))).toBe('ok')
    await expect(send(poolTo(`https://127.0.0.1:${up.port}`)).head).rejects.toMatchObject({
      name: 'ConnectFault',
    })
  } finally {
    setDefaultCACertificates(before)
  }
})
