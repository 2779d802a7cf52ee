/** A line that reads and writes on the socket itself: one plain request on a connection of the front. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Line } from '../message/line.ts'
import { ONE_WRITE_BYTES_MAX } from './body-limits.ts'

const NO_BYTES = Buffer.alloc(0)
/** Anything else in a header value could end a line early. */
const UNSAFE_VALUE = /[^\t\x20-\x7e\x80-\xff]/
const CHUNK_END = '\r\n'
const LAST_CHUNK = '0\r\n\r\n'

/** The `date` header, written once a second. RFC 9110, section 6.6.1. */
export class DateHeader {
  #second = 0
  #text = ''

  line(): string {
    const second = Math.floor(Date.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = `date: ${new Date(1000 * second).toUTCString()}\r\n`
    }
    return this.#text
  }
}

/** What all lines of a front share: the date, and what is said of how long a connection is kept. */
export type LineMeans = { readonly date: DateHeader; readonly keepAlive: string }

export class FrontLine implements Line {
  readonly #socket: Socket
  readonly #means: LineMeans
  #left: number
  #pieces: Buffer[] | Buffer | null = null
  #fault: GatewayError | null = null
  #body: { resolve(body: Buffer): void; reject(fault: GatewayError): void } | null = null
  #headSent = false
  #last = false
  #isOver = false
  readonly #onOver: ((whole: boolean) => void)[] = []
  #onFree: (reusable: boolean) => void = () => {}
  #onDrain: () => void = () => {}

  /** @param bodyBytes how long the body is that follows */
  constructor(socket: Socket, bodyBytes: number, means: LineMeans) {
    this.#socket = socket
    this.#means = means
    this.#left = bodyBytes
  }

  get complete(): boolean {
    return this.#left === 0
  }

  get destroyed(): boolean {
    return this.#isOver || this.#socket.destroyed
  }

  get headSent(): boolean {
    return this.#headSent
  }

  get full(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** Takes what belongs to the body. @returns what follows it, null when nothing does */
  takeBody(bytes: Buffer): Buffer | null {
    const mine = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left)
    this.#left -= mine.length
    if (this.#fault === null) {
      if (this.#pieces === null) this.#pieces = mine
      else if (Array.isArray(this.#pieces)) this.#pieces.push(mine)
      else this.#pieces = [this.#pieces, mine]
    }
    if (this.#left === 0) this.#body?.resolve(this.#whole())
    return mine === bytes ? null : bytes.subarray(mine.length)
  }

  #whole(): Buffer {
    const pieces = this.#pieces
    this.#pieces = null
    return Array.isArray(pieces) ? Buffer.concat(pieces) : (pieces ?? NO_BYTES)
  }

  /** Its length was in the head, and judged there. */
  async readBody(): Promise<Buffer> {
    if (this.#fault !== null) throw this.#fault
    if (this.#left === 0) return this.#whole()
    return new Promise((resolve, reject) => {
      this.#body = { resolve, reject }
    })
  }

  /** The rest of the body is not read any more; a reply is the last one then. */
  breakBody(fault: GatewayError): void {
    this.#fault ??= fault
    this.#pieces = null
    this.#last = true
    this.#body?.reject(this.#fault)
  }

  writeWhole(status: number, headers: readonly string[], body: Buffer): void {
    const head = this.#head(status, headers, `content-length: ${body.length}\r\n\r\n`)
    const socket = this.#socket
    if (body.length <= ONE_WRITE_BYTES_MAX) {
      socket.write(head + body.toString('latin1'), 'latin1')
    } else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
    this.#finish()
  }

  writeHead(status: number, headers: readonly string[], onDrain: () => void): void {
    this.#onDrain = onDrain
    this.#socket.write(this.#head(status, headers, 'transfer-encoding: chunked\r\n\r\n'), 'latin1')
  }

  write(bytes: Buffer, left?: () => void): void {
    const socket = this.#socket
    if (this.destroyed) return
    const size = bytes.length.toString(16)
    if (bytes.length <= ONE_WRITE_BYTES_MAX) {
      // A chunk of no bytes would be the last one.
      const chunk = bytes.length === 0 ? '' : `${size}\r\n${bytes.toString('latin1')}\r\n`
      socket.write(chunk, 'latin1', left)
      return
    }
    socket.cork()
    socket.write(`${size}\r\n`, 'latin1')
    socket.write(bytes)
    socket.write(CHUNK_END, 'latin1', left)
    socket.uncork()
  }

  end(): void {
    if (this.destroyed) return
    this.#socket.write(LAST_CHUNK, 'latin1')
    this.#finish()
  }

  closeAfter(): void {
    this.#last = true
  }

  destroy(): void {
    this.#socket.destroy()
  }

  onOver(over: (whole: boolean) => void): void {
    this.#onOver.push(over)
  }

  /** Called once when the connection may carry another request, or should close. */
  onFree(free: (reusable: boolean) => void): void {
    this.#onFree = free
  }

  drained(): void {
    this.#onDrain()
  }

  /** The connection has closed. */
  gone(): void {
    this.#body?.reject(new GatewayError('client_closed'))
    this.#over(false)
  }

  #head(status: number, headers: readonly string[], end: string): string {
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
    let values = ''
    for (let i = 0; i < headers.length; i += 2) {
      const value = headers[i + 1] as string
      values += value
      text += `${headers[i]}: ${value}\r\n`
    }
    if (UNSAFE_VALUE.test(values)) throw new Error('unsafe value in a header of a reply')
    this.#headSent = true
    const { date, keepAlive } = this.#means
    return text + date.line() + (this.#last ? 'connection: close\r\n' : keepAlive) + end
  }

  /** The reply is written: over when the kernel has it. */
  #finish(): void {
    if (this.#socket.writableLength === 0) this.#over(true)
    else this.#socket.write('', () => this.#over(true))
  }

  #over(whole: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const over of this.#onOver) over(whole)
    this.#onFree(whole && !this.#last && this.#left === 0)
  }
}
