/**
 * The connections to one configured origin: kept alive, reused last in first out so that few stay warm, and
 * closed when idle for long. A connection can reach no other origin, so neither can a credential sent on it.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { UsageAccount } from '@headgate/domain/ports'
import { Burst } from '../message/burst.ts'
import { guardedLookup } from './address-guard.ts'
import type { Carrier, Exchange } from './exchange.ts'
import { type ResponseHead, type ResponseListener, ResponseParser } from './response-parser.ts'

const CONNECT_TIMEOUT_MS = 3000
/** Below the idle time of the providers' front ends, so that we seldom write into a closing connection. */
const IDLE_MS = 30_000
const CONNECTIONS_MAX = 1024
const WAIT_MS = 1000
/** What one read takes at most. */
const READ_BYTES = 65_536
/** Up to this size head and body go into one buffer and one write; above it copying costs more than it saves. */
const JOINED_BYTES_MAX = 65_536

export type Outgoing = {
  /** Request line and headers, ending with the blank line. */
  readonly head: string
  readonly body: Buffer | null
  readonly exchange: Exchange
  readonly account: Pick<UsageAccount, 'sending' | 'secure'>
}

export class ConnectFault extends Error {
  override readonly name = 'ConnectFault'
  readonly timedOut: boolean

  constructor(message: string, timedOut: boolean) {
    super(message)
    this.timedOut = timedOut
  }
}

type Waiting = Outgoing & { readonly untilMs: number }

export class OriginPool {
  readonly host: string
  readonly #open: (onBytes: (bytes: Buffer) => void) => Socket
  readonly #idle: Connection[] = []
  readonly #all = new Set<Connection>()
  readonly #waiting: Waiting[] = []
  readonly #leaving = new Burst<Outgoing>(
    (outgoing) => this.#sendNow(outgoing),
    (all) => this.#announce(all),
  )

  /** @param origin checked by the caller; @param guarded whether resolved addresses are judged */
  constructor(origin: URL, guarded: boolean) {
    this.host = origin.host
    const secure = origin.protocol === 'https:'
    const port = Number(origin.port) || (secure ? 443 : 80)
    const target = { host: origin.hostname, port, ...(guarded && { lookup: guardedLookup }) }
    const servername = isIP(origin.hostname) ? '' : origin.hostname
    const tls = { servername, ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.2' } as const
    // All connections read into one buffer, one after the other, and what was read is copied out at once:
    // cheaper than a new 64 KB buffer for each read, which is what a stream would make.
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    this.#open = (onBytes) => {
      const callback = (length: number) => {
        const bytes = Buffer.allocUnsafe(length)
        buffer.copy(bytes, 0, 0, length)
        onBytes(bytes)
        return true
      }
      const plan = { ...target, onread: { buffer, callback } }
      return secure ? connectTls({ ...plan, ...tls }) : connectPlain(plan)
    }
  }

  /** Sends at the end of this turn of the event loop, together with whatever else leaves then. */
  send(outgoing: Outgoing): void {
    this.#leaving.add(outgoing)
  }

  /** Those that find a connection leave now: noted together, they are written down together. */
  #announce(all: readonly Outgoing[]): void {
    let idle = this.#idle.length
    for (const { exchange, account } of all) {
      if (idle === 0) return
      if (exchange.ended) continue
      account.sending()
      idle -= 1
    }
  }

  #sendNow(outgoing: Outgoing): void {
    if (outgoing.exchange.ended) return
    const idle = this.#idle.pop()
    if (idle) idle.carry(outgoing)
    else if (this.#all.size < CONNECTIONS_MAX) this.#connect(outgoing)
    else this.#waiting.push({ ...outgoing, untilMs: performance.now() + WAIT_MS })
  }

  /** Called by the clock tick: closes what has idled too long, ends what connects or waits too long. */
  checkTime(nowMs: number): void {
    for (const connection of this.#all) connection.checkTime(nowMs)
    while (this.#waiting.length > 0 && nowMs > (this.#waiting[0] as Waiting).untilMs) {
      this.#waiting.shift()?.exchange.cancel(new ConnectFault('no free connection to the upstream', true))
    }
  }

  close(): void {
    for (const connection of this.#all) connection.destroy()
  }

  #connect(outgoing: Outgoing): void {
    const connection = new Connection(this.#open, {
      onFree: (it) => this.#free(it),
      onGone: (it) => this.#forget(it),
    })
    this.#all.add(connection)
    connection.carry(outgoing)
  }

  #free(connection: Connection): void {
    const next = this.#nextWaiting()
    if (next) connection.carry(next)
    else this.#idle.push(connection)
  }

  #forget(connection: Connection): void {
    this.#all.delete(connection)
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    const next = this.#nextWaiting()
    if (next) this.#connect(next)
  }

  #nextWaiting(): Waiting | undefined {
    let next = this.#waiting.shift()
    while (next?.exchange.ended) next = this.#waiting.shift()
    return next
  }
}

type Owner = { onFree(connection: Connection): void; onGone(connection: Connection): void }

/** One socket and the exchange it carries now, if any. */
class Connection implements Carrier, ResponseListener {
  readonly #socket: Socket
  readonly #owner: Owner
  readonly #parser = new ResponseParser()
  #exchange: Exchange | null = null
  /** Waits until there is a connection. */
  #held: Outgoing | null = null
  #connected = false
  #sinceMs = performance.now()

  constructor(open: (onBytes: (bytes: Buffer) => void) => Socket, owner: Owner) {
    const socket = open((bytes) => this.#take(bytes))
    this.#socket = socket
    this.#owner = owner
    // Nothing flows through the stream, but it is told of the end only while it is read.
    socket.resume()
    socket.setNoDelay(true)
    const ready = 'encrypted' in socket ? 'secureConnect' : 'connect'
    socket.once(ready, () => {
      this.#connected = true
      this.#sinceMs = performance.now()
      const held = this.#held
      this.#held = null
      if (held !== null && !held.exchange.ended) this.#write(held)
    })
    socket.on('end', () => this.#end())
    socket.on('error', (error) => this.#break(error))
    socket.on('close', () => {
      this.#break(new Error('the upstream closed the connection'))
      owner.onGone(this)
    })
  }

  carry(outgoing: Outgoing): void {
    const { exchange } = outgoing
    if (exchange.ended) {
      this.#release(true)
      return
    }
    this.#exchange = exchange
    exchange.carriedBy(this)
    this.#parser.expect(this)
    if (this.#connected) this.#write(outgoing)
    else this.#held = outgoing
  }

  /** Nothing leaves that is not written down. */
  #write({ head, body, exchange, account }: Outgoing): void {
    try {
      account.sending()
      account.secure()
    } catch (fault) {
      exchange.cancel(fault as Error)
      return
    }
    const socket = this.#socket
    if (body === null) socket.write(head, 'latin1')
    else if (body.length <= JOINED_BYTES_MAX) socket.write(joined(head, body))
    else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
  }

  checkTime(nowMs: number): void {
    if (!this.#connected && nowMs - this.#sinceMs > CONNECT_TIMEOUT_MS) {
      this.#break(new ConnectFault(`no connection after ${CONNECT_TIMEOUT_MS} ms`, true))
      this.#socket.destroy()
    } else if (this.#exchange === null && nowMs - this.#sinceMs > IDLE_MS) this.#socket.destroy()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  destroy(): void {
    this.#exchange = null
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    try {
      this.#parser.feed(bytes)
    } catch (fault) {
      this.#break(fault as Error)
      this.#socket.destroy()
    }
  }

  #end(): void {
    this.#parser.close()
    this.#break(new Error('the upstream ended the connection'))
    this.#socket.destroy()
  }

  onHead(head: ResponseHead): void {
    this.#exchange?.onHead(head)
  }

  onBytes(bytes: Buffer): void {
    this.#exchange?.onBytes(bytes)
  }

  onEnd(reusable: boolean): void {
    const exchange = this.#exchange
    this.#release(reusable)
    exchange?.onEnd()
  }

  #release(reusable: boolean): void {
    this.#exchange = null
    this.#sinceMs = performance.now()
    // A paused socket would not notice that the upstream hangs up.
    if (this.#socket.isPaused()) this.#socket.resume()
    // An answer that came before the whole request had left leaves a connection nobody can trust.
    const clean = !this.#socket.destroyed && this.#socket.writableLength === 0
    if (reusable && clean) this.#owner.onFree(this)
    else this.#socket.destroy()
  }

  #break(error: Error): void {
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.onBroken(this.#connected ? error : asConnectFault(error))
  }
}

function asConnectFault(error: Error): Error {
  return error instanceof ConnectFault ? error : new ConnectFault(error.message, false)
}

function joined(head: string, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(head.length + body.length)
  bytes.write(head, 0, 'latin1')
  body.copy(bytes, head.length)
  return bytes
}
