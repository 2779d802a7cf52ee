/** Reads a request body whole, up to a limit. Refuses before reading when the length says so, and while reading otherwise. */
import type { IncomingMessage } from 'node:http'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { InboundRequest } from '../message/inbound-request.ts'

const NO_BYTES = Buffer.alloc(0)

/** @throws GatewayError `body_too_large`, `client_closed`, `invalid_request` and `request_timeout` for a broken body */
export function readBody(
  message: IncomingMessage,
  request: InboundRequest,
  bytesMax: number,
): Promise<Buffer> {
  const { head } = request
  if (head.contentLength !== null && head.contentLength > bytesMax) return Promise.reject(tooLarge(bytesMax))
  return new Promise((resolve, reject) => {
    let first: Buffer | null = null
    let more: Buffer[] | null = null
    let bytes = 0
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > bytesMax) {
        message.pause()
        reject(tooLarge(bytesMax))
      } else if (first === null) first = chunk
      else if (more === null) more = [first, chunk]
      else more.push(chunk)
    })
    message.on('end', () => resolve(more ? Buffer.concat(more, bytes) : (first ?? NO_BYTES)))
    request.whenBroken(reject)
    message.on('error', () => reject(new GatewayError('client_closed')))
    // An error is costly to make, and every request closes: only one that broke off makes it.
    message.on('close', () => {
      if (!message.complete) reject(new GatewayError('client_closed'))
    })
  })
}

function tooLarge(bytesMax: number): GatewayError {
  return new GatewayError('body_too_large', {
    public: `The body is larger than the ${bytesMax} bytes this endpoint accepts.`,
  })
}
