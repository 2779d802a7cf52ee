/** A line behind which Node's HTTP server reads and writes. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Line } from '../message/line.ts'
import { bodyTooLarge, ONE_WRITE_BYTES_MAX } from './body-limits.ts'

const NO_BYTES = Buffer.alloc(0)

export class NodeLine implements Line {
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  readonly #onLast: () => void
  #onBroken: ((fault: GatewayError) => void) | null = null

  /** @param onLast told that nothing may follow on the connection */
  constructor(message: IncomingMessage, response: ServerResponse, onLast: () => void) {
    this.#message = message
    this.#response = response
    this.#onLast = onLast
  }

  get complete(): boolean {
    return this.#message.complete
  }

  get destroyed(): boolean {
    return this.#response.destroyed
  }

  get headSent(): boolean {
    return this.#response.headersSent
  }

  get full(): boolean {
    return this.#response.writableNeedDrain
  }

  readBody(bytesMax: number): Promise<Buffer> {
    const message = this.#message
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = []
      let bytes = 0
      message.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > bytesMax) {
          message.pause()
          reject(bodyTooLarge(bytesMax))
        } else pieces.push(chunk)
      })
      message.on('end', () =>
        resolve(pieces.length > 1 ? Buffer.concat(pieces, bytes) : (pieces[0] ?? NO_BYTES)),
      )
      this.#onBroken = reject
      message.on('error', () => reject(new GatewayError('client_closed')))
      // An error is costly to make, and every request closes: only one that broke off makes it.
      message.on('close', () => {
        if (!message.complete) reject(new GatewayError('client_closed'))
      })
    })
  }

  /** The rest of the body turns out to be unreadable. */
  breakBody(fault: GatewayError): void {
    this.#onBroken?.(fault)
  }

  writeWhole(status: number, headers: readonly string[], body: Buffer): void {
    const response = this.#response
    response.writeHead(status, headers.concat('content-length', String(body.length)))
    if (body.length <= ONE_WRITE_BYTES_MAX) response.end(body.toString('latin1'), 'latin1')
    else response.end(body)
  }

  writeHead(status: number, headers: readonly string[], onDrain: () => void): void {
    this.#response.writeHead(status, headers as string[])
    this.#response.on('drain', onDrain)
    this.#response.flushHeaders()
  }

  write(bytes: Buffer, left?: () => void): void {
    this.#response.write(bytes, left)
  }

  end(): void {
    this.#response.end()
  }

  closeAfter(): void {
    this.#response.shouldKeepAlive = false
    this.#onLast()
  }

  destroy(): void {
    this.#response.destroy()
  }

  onOver(over: (whole: boolean) => void): void {
    this.#response.on('close', () => over(this.#response.writableFinished))
  }
}
