/**
 * The door: one port for callers. Takes a request through head, path and body into the pipeline and writes what
 * comes back, whichever of the two read it, the front or Node's server. Every request that gets here leaves
 * exactly one usage record.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { errorBody, GatewayError, toGatewayError } from '@headgate/domain/gateway-error'
import { Burst } from '../message/burst.ts'
import { InboundRequest } from '../message/inbound-request.ts'
import type { Line, WrittenHead } from '../message/line.ts'
import type { Reply } from '../message/reply.ts'
import { readHead } from '../message/request-head.ts'
import type { Reached } from '../pipeline/call.ts'
import type { Gateway } from '../pipeline/gateway.ts'
import { serve, serveLocally } from '../pipeline/serve.ts'
import { settleRefused } from '../pipeline/settle.ts'
import { openFront } from './front.ts'
import { matchPath } from './match-path.ts'
import { NodeLine } from './node-line.ts'
import { readCall } from './read-call.ts'
import { CallsUnderWay } from './under-way.ts'
import { type StreamBurst, streamBurst, writeError, writeReply } from './write-reply.ts'

const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 60_000
const TIMEOUT_CHECK_MS = 1000
/** Above the idle time of load balancers, so that it is never us who close a connection they still use. */
const KEEP_ALIVE_MS = 75_000
const HEADER_BYTES_MAX = 16_384
const OPEN_REQUESTS_MAX = 10_000
/** Gateways a request may pass before it counts as one that goes round. */
const HOPS_MAX = 3
const CLOSED_BY_CALLER: ReadonlySet<string | undefined> = new Set([
  ...['HPE_INVALID_EOF_STATE', 'ECONNRESET', 'EPIPE'],
])

export type Door = {
  readonly server: Server
  /** Requests under way. */
  open(): number
  /** From now on each reply closes its connection. */
  drain(): void
  /** Ends connections that carry no call. */
  closeIdle(): void
  closeAll(): void
}

/** What answers requests that are no calls: health checks. True when it did. */
export type SideDoor = (message: IncomingMessage, response: ServerResponse) => boolean

export function openDoor(gateway: Gateway, sideDoor: SideDoor): Door {
  const underWay = new CallsUnderWay()
  const streams = streamBurst()
  const leaving = new Burst<Leaving>((it) => write(it, gateway, streams))
  let draining = false
  let count = 0
  const take = (written: WrittenHead, line: Line) => {
    count++
    line.onOver(() => {
      count--
    })
    if (draining) line.closeAfter()
    void answer({ written, line, gateway, leaving, crowded: count > OPEN_REQUESTS_MAX })
  }
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      noDelay: true,
      insecureHTTPParser: false,
      requireHostHeader: true,
    },
    (message, response) => {
      const { socket } = message
      if (sideDoor(message, response) || underWay.isClosing(socket)) return
      const line = new NodeLine(message, response, () => underWay.closeAfter(socket))
      underWay.add(socket, line)
      take(message, line)
    },
  )
  server.maxHeadersCount = 0
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => {
    const fault = unreadable(error)
    const told = CLOSED_BY_CALLER.has(error.code) ? new GatewayError('client_closed') : fault
    if (!underWay.breakOff(socket, told)) refuse(socket, fault, error.code === 'HPE_HEADER_OVERFLOW')
  })
  server.on('connect', refuseConnect)
  const front = openFront({
    server,
    onRequest: take,
    firstMs: HEADERS_TIMEOUT_MS,
    idleMs: KEEP_ALIVE_MS,
    bodyMs: REQUEST_TIMEOUT_MS,
  })
  return {
    server,
    open: () => count,
    drain: () => {
      draining = true
    },
    closeIdle: () => {
      server.closeIdleConnections()
      front.closeIdle()
    },
    closeAll: () => {
      server.closeAllConnections()
      front.closeAll()
    },
  }
}

type Arrival = {
  readonly written: WrittenHead
  readonly line: Line
  readonly gateway: Gateway
  readonly leaving: Burst<Leaving>
  /** More requests are under way than this gateway takes. */
  readonly crowded: boolean
}

type Leaving = { readonly request: InboundRequest; readonly line: Line; readonly reply: Reply }

/** A reply that cannot be written is a fault of ours: its connection ends, the process does not. */
function write({ request, line, reply }: Leaving, gateway: Gateway, streams: StreamBurst): void {
  try {
    writeReply(line, reply, streams)
  } catch (fault) {
    gateway.log.fault(request.id, toGatewayError(fault))
    line.destroy()
  }
}

async function answer({ written, line, gateway, leaving, crowded }: Arrival): Promise<void> {
  const nowMs = gateway.clock.nowMs()
  const id = gateway.newId('req', nowMs)
  const request = new InboundRequest(written, line, id, nowMs, gateway.clock.monotonicMs())
  try {
    if (crowded) throw new GatewayError('overloaded', { retryAfterMs: 1000 })
    const reply = await receive(written, line, { request, gateway })
    leaving.add({ request, line, reply })
  } catch (thrown) {
    writeError(line, thrown, id)
  }
}

/** Head, path and body, then the pipeline. What is refused before the pipeline is recorded here. */
async function receive(
  written: WrittenHead,
  line: Line,
  { request, gateway }: { request: InboundRequest; gateway: Gateway },
): Promise<Reply> {
  let reached: Reached = { request }
  try {
    request.head = readHead(written)
    if (isLoop(request.head.hop, gateway.instanceId)) throw new GatewayError('loop_detected')
    const match = matchPath(request.method, request.path)
    reached = { request, endpoint: match.endpoint }
    const catalog = gateway.catalog()
    if (catalog === null) throw new GatewayError('not_ready', { retryAfterMs: 1000 })
    reached = { ...reached, catalog }
    if ('name' in match) {
      refuseBody(request)
      return await serveLocally({ endpoint: match.endpoint, name: match.name, request, catalog }, gateway)
    }
    const { endpoint, deployment } = match
    const received = await readCall(line, request, { endpoint, deployment, catalog })
    return await serve(received, gateway)
  } catch (thrown) {
    settleRefused(reached, thrown, gateway)
    throw thrown
  }
}

function isLoop(hop: string | null, instanceId: string): boolean {
  if (hop === null) return false
  const passed = hop.split(',')
  return passed.length > HOPS_MAX || passed.includes(instanceId)
}

/** A body where none belongs is how one request hides in another. */
function refuseBody(request: InboundRequest): void {
  const { contentLength, chunked } = request.head
  if (!chunked && (contentLength === null || contentLength === 0)) return
  throw new GatewayError('invalid_request', { public: 'This path takes no body.' })
}

/** What a caller is told whose bytes are no HTTP, or did not come in time. */
function unreadable(error: Error & { code?: string }): GatewayError {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new GatewayError('request_timeout')
  return new GatewayError('invalid_request', { public: 'The request is not valid HTTP/1.1.' })
}

/** Answers bytes that are no request in our shape where the socket still listens, then closes. */
function refuse(socket: Socket, fault: GatewayError, overlong: boolean): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const status = overlong ? 431 : fault.status
  const body = errorBody(fault, 'none')
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  socket.destroySoon()
}

/** A CONNECT leaves us a socket nobody else looks after: without a listener, its reset would end the process. */
function refuseConnect(_message: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => socket.destroy())
  socket.on('finish', () => socket.destroy())
  socket.end('HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
}
