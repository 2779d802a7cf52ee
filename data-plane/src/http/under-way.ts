/**
 * The calls under way on each connection. When a connection brings bytes that are no HTTP, what becomes of
 * it depends on them: a call whose body broke is told so, a call that was whole still gets its answer.
 */
import type { Socket } from 'node:net'
import type { GatewayError } from '@headgate/domain/gateway-error'
import type { NodeLine } from './node-line.ts'

export class CallsUnderWay {
  readonly #lines = new WeakMap<Socket, NodeLine[]>()
  readonly #closing = new WeakSet<Socket>()

  /** Takes a call; it goes by itself when it is over. */
  add(socket: Socket, line: NodeLine): void {
    const lines = this.#lines.get(socket)
    if (lines) lines.push(line)
    else this.#lines.set(socket, [line])
    line.onOver(() => {
      const left = this.#lines.get(socket)
      left?.splice(left.indexOf(line), 1)
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
    const last = this.#lines.get(socket)?.at(-1)
    if (last === undefined) return false
    last.closeAfter()
    if (last.complete) last.onOver(() => socket.destroySoon())
    else last.breakBody(fault)
    return true
  }
}
