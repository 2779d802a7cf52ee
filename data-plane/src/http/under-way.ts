/**
 * The calls under way on each connection. When a connection brings bytes that are no HTTP, what becomes of
 * it depends on them: a call whose body broke is told so, a call that was whole still gets its answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { GatewayError } from '@headgate/domain/gateway-error'
import type { InboundRequest } from '../message/inbound-request.ts'

type Call = {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly request: InboundRequest
}

export class CallsUnderWay {
  readonly #calls = new WeakMap<Socket, Call[]>()
  readonly #closing = new WeakSet<Socket>()
  #count = 0

  /** How many there are on all connections. */
  get count(): number {
    return this.#count
  }

  /** Takes a call; it goes by itself when its response closes. */
  add(call: Call): void {
    const { socket } = call.message
    const calls = this.#calls.get(socket)
    if (calls) calls.push(call)
    else this.#calls.set(socket, [call])
    this.#count++
    call.response.on('close', () => {
      this.#count--
      const left = this.#calls.get(socket)
      left?.splice(left.indexOf(call), 1)
    })
  }

  /** The reply on its way is the last on this connection: requests that still come there are not heard. */
  closeAfter(socket: Socket): void {
    this.#closing.add(socket)
  }

  isClosing(socket: Socket): boolean {
    return this.#closing.has(socket)
  }

  /**
   * What comes on this connection can no longer be read.
   * @param fault what the caller is told whose body it was
   * @returns false when no call is under way there, so that somebody else must answer
   */
  breakOff(socket: Socket, fault: GatewayError): boolean {
    this.#closing.add(socket)
    const last = this.#calls.get(socket)?.at(-1)
    if (last === undefined) return false
    const { message, response, request } = last
    response.shouldKeepAlive = false
    if (message.complete) response.once('finish', () => socket.destroySoon())
    else request.breakBody(fault)
    return true
  }
}
