/**
 * One connection of the loader: sends a request, says when the reply is whole. It opens itself again when the
 * peer closes it or breaks the protocol. All connections share one read buffer, since Node hands each read
 * over before the next.
 */
import { connect, type Socket } from 'node:net'
import { closesAfter, MessageReader, statusOf } from './http-messages.ts'

export type ReplyEvents = {
  /** The first bytes of the reply's body. */
  onFirstByte(): void
  /** A stretch of the reply's body; valid during the call only. */
  onBody(bytes: Buffer, start: number, end: number): void
  /** The reply is whole (`status` is its status) or will never be (`status` 0). The connection is free again. */
  onReply(status: number): void
}

const READ_BYTES = 65_536
/** Keeps a dead gateway from a storm of retries. */
const REOPEN_AFTER_MS = 10

/** The read buffer for all connections of a process. */
export function sharedReadBuffer(): Buffer {
  return Buffer.alloc(READ_BYTES)
}

type Target = { readonly host: string; readonly port: number; readonly buffer: Buffer }

/** A connection that is open from the beginning and stays so until `close`. */
export class LoadConnection {
  readonly #to: Target
  readonly #events: ReplyEvents
  #socket: Socket
  #busy = false
  #closed = false
  #begun = false
  #status = 0
  #closing = false

  constructor(to: Target, events: ReplyEvents) {
    this.#to = to
    this.#events = events
    this.#socket = this.#open()
  }

  /** Sends the request. Only when the last reply is whole. */
  send(request: Buffer): void {
    this.#busy = true
    this.#socket.write(request)
  }

  /** True between `send` and `onReply`. */
  get busy(): boolean {
    return this.#busy
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }

  #open(): Socket {
    const { host, port, buffer } = this.#to
    const reader = new MessageReader({
      onHead: (head) => {
        this.#status = statusOf(head)
        this.#closing = closesAfter(head)
        this.#begun = false
      },
      onBody: (bytes, start, end) => this.#onBody(bytes, start, end),
      onEnd: () => {
        // The next request may be sent from within onReply, so a closing peer is left first.
        if (this.#closing) this.#reopen()
        this.#finish(this.#status)
      },
      onFault: () => {
        this.#reopen()
        this.#finish(0)
      },
    })
    const callback = (length: number, bytes: Uint8Array) => {
      if (this.#socket === socket) reader.feed(bytes as Buffer, length)
      return true
    }
    const socket = connect({ host, port, onread: { buffer, callback }, noDelay: true })
    // A refused or reset connection is told by 'close'.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (this.#closed || this.#socket !== socket) return
      setTimeout(() => this.#onLost(socket), REOPEN_AFTER_MS)
    })
    return socket
  }

  #onBody(bytes: Buffer, start: number, end: number): void {
    if (!this.#begun) {
      this.#begun = true
      this.#events.onFirstByte()
    }
    this.#events.onBody(bytes, start, end)
  }

  #onLost(socket: Socket): void {
    if (!this.#closed && this.#socket === socket) this.#reopen()
    this.#finish(0)
  }

  #reopen(): void {
    const old = this.#socket
    this.#socket = this.#open()
    old.destroy()
  }

  #finish(status: number): void {
    if (!this.#busy) return
    this.#busy = false
    this.#events.onReply(status)
  }
}
