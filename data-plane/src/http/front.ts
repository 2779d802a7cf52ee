/**
 * The front takes every connection first and serves plain requests on it by itself, for a third of what Node's
 * server costs. At the first bytes that are not plain, or not whole in time, the connection goes to Node's
 * server for good, with all bytes that have not become a request: what is unusual is judged there alone.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Line, WrittenHead } from '../message/line.ts'
import { DateHeader, FrontLine, type LineMeans } from './front-line.ts'
import { readPlainHead } from './plain-head.ts'

const TICK_MS = 1000
/** How long a caller has to read a last reply before the connection breaks. */
const LINGER_MS = 1000
/** What a caller may send ahead while its call is under way, before its connection is not read for a while. */
const AHEAD_BYTES_MAX = 65_536

export type FrontPlan = {
  /** Node's server: it listens, and takes what the front does not. */
  readonly server: Server
  /** A request has come. It is read whole by whoever takes it. */
  readonly onRequest: (head: WrittenHead, line: Line) => void
  /** How long a connection may be quiet before its first request, and between two. */
  readonly firstMs: number
  readonly idleMs: number
  /** How long a body may take. */
  readonly bodyMs: number
}

export type Front = {
  /** Ends connections that carry no call. */
  closeIdle(): void
  closeAll(): void
}

/** Puts a front before a server that does not listen yet. */
export function openFront(plan: FrontPlan): Front {
  const { server } = plan
  const connections = new Set<FrontConnection>()
  const seconds = Math.floor(plan.idleMs / 1000)
  const means = {
    date: new DateHeader(),
    keepAlive: `connection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n`,
  }
  const toNode = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    connections.add(
      new FrontConnection(socket, plan, {
        means,
        onGone: (it) => connections.delete(it),
        handOver: (it) => {
          connections.delete(it)
          for (const take of toNode) take.call(server, socket)
        },
      }),
    )
  })
  const tick = setInterval(() => {
    const nowMs = performance.now()
    for (const connection of connections) connection.checkTime(nowMs)
  }, TICK_MS)
  tick.unref()
  server.on('close', () => clearInterval(tick))
  return {
    closeIdle: () => {
      for (const connection of connections) connection.closeIfIdle()
    },
    closeAll: () => {
      for (const connection of connections) connection.destroy()
    },
  }
}

type Owner = {
  readonly means: LineMeans
  onGone(connection: FrontConnection): void
  handOver(connection: FrontConnection): void
}

/** One connection of a caller, while all that came on it was plain. */
class FrontConnection {
  readonly #socket: Socket
  readonly #plan: FrontPlan
  readonly #owner: Owner
  /** The request under way, if any. */
  #line: FrontLine | null = null
  /** What came before its time. */
  #ahead: Buffer | null = null
  #served = false
  #closing = false
  #sinceMs = performance.now()

  constructor(socket: Socket, plan: FrontPlan, owner: Owner) {
    this.#socket = socket
    this.#plan = plan
    this.#owner = owner
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    socket.on('drain', this.#onDrain)
  }

  checkTime(nowMs: number): void {
    const { firstMs, idleMs, bodyMs } = this.#plan
    const quietMs = nowMs - this.#sinceMs
    if (this.#closing) {
      if (quietMs > LINGER_MS) this.destroy()
    } else if (this.#line !== null) {
      if (!this.#line.complete && quietMs > bodyMs) this.#line.breakBody(new GatewayError('request_timeout'))
    } else if (this.#served) {
      if (quietMs > idleMs) this.destroy()
    } else if (quietMs > firstMs) this.destroy()
  }

  closeIfIdle(): void {
    if (this.#line === null) this.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#closing) return
    const line = this.#line
    if (line === null) this.#begin(bytes)
    else if (line.complete) this.#keepForLater(bytes)
    else {
      const rest = line.takeBody(bytes)
      if (rest !== null) this.#keepForLater(rest)
    }
  }

  /** A head must come whole, and nothing after its request: who does otherwise is served by Node. */
  #begin(bytes: Buffer): void {
    const head = readPlainHead(bytes)
    if (head === null || head.bytes + head.bodyBytes < bytes.length) {
      this.#handOver(bytes)
      return
    }
    this.#sinceMs = performance.now()
    const line = new FrontLine(this.#socket, head.bodyBytes, this.#owner.means)
    this.#line = line
    line.onFree((reusable) => this.#free(reusable))
    if (head.bytes < bytes.length) line.takeBody(bytes.subarray(head.bytes))
    this.#plan.onRequest(head, line)
  }

  #keepForLater(bytes: Buffer): void {
    this.#ahead = this.#ahead === null ? bytes : Buffer.concat([this.#ahead, bytes])
    if (this.#ahead.length > AHEAD_BYTES_MAX) this.#socket.pause()
  }

  #free(reusable: boolean): void {
    this.#line = null
    this.#served = true
    this.#sinceMs = performance.now()
    if (!reusable || this.#socket.destroyed) {
      this.#closeGently()
      return
    }
    const ahead = this.#ahead
    if (ahead === null) return
    this.#ahead = null
    if (this.#socket.isPaused()) this.#socket.resume()
    // Not at once: what is being finished would begin the next from within.
    setImmediate(() => {
      if (!this.#socket.destroyed && !this.#socket.readableEnded) this.#onData(ahead)
    })
  }

  /** The reply was the last. What still comes is read and dropped: unread, it would cost the caller the reply. */
  #closeGently(): void {
    this.#closing = true
    this.#ahead = null
    this.#socket.resume()
    this.#socket.end()
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    socket.off('drain', this.#onDrain)
    socket.pause()
    socket.unshift(bytes)
    this.#owner.handOver(this)
    socket.resume()
  }

  readonly #onDrain = (): void => {
    this.#line?.drained()
  }

  /** As Node's server does: a caller who hangs up half has gone. */
  readonly #onEnd = (): void => {
    if (this.#closing) this.destroy()
    else if (this.#line !== null && !this.#line.complete)
      this.#line.breakBody(new GatewayError('client_closed'))
    else this.#socket.end()
  }

  /** What it means is told by `close`, which follows. */
  readonly #onError = (): void => {}

  readonly #onClose = (): void => {
    this.#owner.onGone(this)
    this.#line?.gone()
  }
}
