/**
 * Connections to upstreams: the one door out. Checks the origin, writes the request head, attaches the
 * credential last, and runs the clock that ends exchanges which have run out of time. HTTP/1.1 of our own:
 * it costs half of what the best library door does (docs/adr), and it refuses what a library lets pass.
 */
import type { UsageAccount } from '@headgate/domain/ports'
import { isLoopbackOrigin } from '@headgate/domain/resource'
import { isForbiddenAddress } from './address-guard.ts'
import { Exchange, type ExchangeTimeouts } from './exchange.ts'
import { ConnectFault, OriginPool } from './origin-pool.ts'

const TICK_MS = 250
/** Anything else in a target or a header value could end a line early. */
const UNSAFE_TARGET = /[^\x21-\x7e]/
const UNSAFE_VALUE = /[^\t\x20-\x7e\x80-\xff]/

export type UpstreamRequest = {
  /** The configured origin of the resource; nothing else can be reached. */
  readonly origin: string
  readonly method: 'POST' | 'GET'
  readonly path: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Buffer | null
  readonly timeouts: ExchangeTimeouts
  /** Told before the bytes leave; when it cannot be written, they do not. */
  readonly account: Pick<UsageAccount, 'sending' | 'secure'>
}

export interface Connections {
  /** Sends a request at once. Faults are told by the exchange, never thrown here. */
  send(request: UpstreamRequest): Exchange
  /** How many exchanges are under way. */
  open(): number
  /** Cancels what is under way and closes all sockets. */
  close(): void
}

/**
 * @param allowLoopback lets plain HTTP to 127.0.0.1 through: for the demo upstream and for tests only
 */
export function openConnections({ allowLoopback }: { allowLoopback: boolean }): Connections {
  const pools = new Map<string, OriginPool>()
  const exchanges = new Set<Exchange>()
  const onDone = (exchange: Exchange) => {
    exchanges.delete(exchange)
  }
  const tick = setInterval(() => {
    const nowMs = performance.now()
    for (const exchange of exchanges) exchange.checkTime(nowMs)
    for (const pool of pools.values()) pool.checkTime(nowMs)
  }, TICK_MS)
  tick.unref()

  const poolOf = (origin: string): OriginPool => {
    const known = pools.get(origin)
    if (known) return known
    const pool = openPool(origin, allowLoopback)
    pools.set(origin, pool)
    return pool
  }

  return {
    send: (request) => {
      const exchange = new Exchange(request.timeouts, performance.now(), onDone)
      exchanges.add(exchange)
      try {
        const pool = poolOf(request.origin)
        pool.send({
          head: headText(request, pool.host),
          body: request.body,
          exchange,
          account: request.account,
        })
      } catch (error) {
        exchange.cancel(error as Error)
      }
      return exchange
    },
    open: () => exchanges.size,
    close: () => {
      clearInterval(tick)
      for (const exchange of exchanges) exchange.cancel(new Error('the gateway is shutting down'))
      for (const pool of pools.values()) pool.close()
    },
  }
}

function headText({ method, path, headers, body }: UpstreamRequest, host: string): string {
  if (UNSAFE_TARGET.test(path)) throw new ConnectFault('unsafe upstream path', false)
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string
    if (UNSAFE_VALUE.test(value)) throw new ConnectFault(`unsafe value in header ${headers[i]}`, false)
    text += `${headers[i]}: ${value}\r\n`
  }
  return `${text}content-length: ${body?.length ?? 0}\r\n\r\n`
}

/** Sockets do not look up literal addresses, so those are judged here. */
function openPool(origin: string, allowLoopback: boolean): OriginPool {
  const url = new URL(origin)
  if (isLoopbackOrigin(origin)) {
    if (allowLoopback) return new OriginPool(url, false)
    throw new ConnectFault('loopback upstreams are not allowed here', false)
  }
  if (url.protocol !== 'https:') throw new ConnectFault('upstreams are reached over https only', false)
  if (/^[0-9.]+$/.test(url.hostname) && isForbiddenAddress(url.hostname)) {
    throw new ConnectFault('forbidden upstream address', false)
  }
  return new OriginPool(url, true)
}
