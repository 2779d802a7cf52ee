/**
 * The mock upstream is the cheapest possible OpenAI-shaped server, in a process of its own, so that a bench
 * measures the gateway and not the far end. It reads only what it must and answers from prepared bytes. For
 * behaviour (failures, shapes, Azure) there is fake-upstream; this one knows speed alone.
 *
 * `node bench/mock-upstream.ts` prints `listening <port>` and ends on SIGTERM.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { MessageReader } from './http-messages.ts'
import { jsonReply, OPENING_BYTES, type Wish, wishOf } from './mock-answer.ts'
import { openStreamPace, type StreamPace } from './mock-stream.ts'
import { openMonotonic } from './monotonic.ts'

type Prepared = { opening: string; wish: Wish; reply: Buffer | null }

/** Serves one connection: any path, any number of requests one after the other. */
function serve(socket: Socket, pace: StreamPace, prepare: (opening: string) => Prepared): void {
  let opening = ''
  const reader = new MessageReader({
    onHead: () => {
      opening = ''
    },
    onBody: (bytes, start, end) => {
      const room = OPENING_BYTES - opening.length
      if (room > 0) opening += bytes.toString('latin1', start, Math.min(end, start + room))
    },
    onEnd: () => {
      const { wish, reply } = prepare(opening)
      if (reply === null) pace.begin(socket, wish)
      else socket.write(reply)
    },
    onFault: () => socket.destroy(),
  })
  socket.setNoDelay(true)
  socket.on('data', (bytes: Buffer) => reader.feed(bytes, bytes.length))
  socket.on('error', () => socket.destroy())
}

/** Nearly all requests of a run begin alike, so the last answer is usually the next one too. */
function prepareOnce(): (opening: string) => Prepared {
  let last: Prepared = prepared('')
  return (opening) => {
    if (opening !== last.opening) last = prepared(opening)
    return last
  }
}

function prepared(opening: string): Prepared {
  const wish = wishOf(opening)
  return { opening, wish, reply: wish.stream ? null : jsonReply(wish.answerBytes) }
}

const sockets = new Set<Socket>()
const pace = openStreamPace(openMonotonic())
const prepare = prepareOnce()
const server = createServer((socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  serve(socket, pace, prepare)
})
server.listen(0, '127.0.0.1', 4096, () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`)
})
process.once('SIGTERM', () => {
  server.close()
  for (const socket of sockets) socket.destroy()
})
