/**
 * Lets the answer through and learns what it used. A stream leaves as it comes; a whole answer is held until
 * it is whole, so that half of one is never shown as success.
 */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { type Cost, costCeiling, noCost } from '@headgate/domain/cost'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Usage } from '@headgate/domain/usage'
import { usageOfReply } from '../endpoints/usage.ts'
import type { Reply } from '../message/reply.ts'
import { type Exchange, UpstreamTimeout } from '../upstreams/exchange.ts'
import type { Answered } from './call.ts'
import { type Ending, noUsage } from './ending.ts'
import type { Gateway } from './gateway.ts'
import { MeteredStream } from './metered-stream.ts'
import { addCostHeaders, addEstimateHeaders, answeredHeaders } from './reply-headers.ts'
import { estimatedUsage, settle } from './settle.ts'
import { settleUncounted } from './settle-uncounted.ts'

/** 2048 inputs of 3072 dimensions written as decimals, the largest answer an endpoint here can give. */
const REPLY_BYTES_MAX = 160 * 1024 * 1024
const INFLATED_BYTES_MAX = 10 * 1024 * 1024
const BYTES_PER_TOKEN = 4

const inflaters = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>

/** @throws GatewayError `upstream_truncated`, `upstream_timeout`, `client_closed` before a byte has left */
export async function meter(call: Answered, gateway: Gateway): Promise<Reply> {
  const { head, exchange } = call.upstream
  const { status } = head
  if (status < 300 && String(head.headers['content-type'] ?? '').startsWith('text/event-stream')) {
    const headers = answeredHeaders(call, gateway.clock.monotonicMs())
    headers.push('cache-control', 'no-cache')
    addEstimateHeaders(headers, ceilingOf(call))
    return { status, headers, body: new MeteredStream(call, gateway) }
  }
  const body = exchange.takeWhole() ?? (await readWhole(exchange, call))
  const encoding = head.headers['content-encoding']
  const plain = status >= 300 ? null : encoding === undefined ? body : await inflated(body, encoding)
  const reported = plain && usageOfReply(plain, call.endpoint.billedBeside)
  const usage = reported ?? (plain ? estimate(call, body) : noUsage)
  const nowMs = gateway.clock.monotonicMs()
  const headers = answeredHeaders(call, nowMs)
  const ending: Ending = {
    outcome: status < 300 ? 'succeeded' : 'failed',
    status,
    errorCode: status < 300 ? null : `upstream_${status}`,
    usage,
    usageSource: reported ? 'reported' : usage === noUsage ? 'none' : 'estimated',
    replyBytes: body.length,
    firstByteAtMs: nowMs,
  }
  if (ending.usageSource === 'estimated') {
    addEstimateHeaders(headers, ceilingOf(call))
    void settleUncounted(call, ending, call.endpoint.outputFields.length === 0 ? null : plain, gateway)
  } else addCostHeaders(headers, settle(call, ending, gateway))
  return { status, headers, body }
}

/** The most a call can cost by its estimate, in nanos, where headers leave before its cost is known. */
function ceilingOf(call: Answered): Cost {
  const { price, estimate } = call
  const costNanos = costCeiling(price, estimate, estimatedUsage(call, 0).serviceTier)
  return { ...noCost, costNanos, currency: price?.currency ?? null }
}

function readWhole(exchange: Exchange, call: Answered): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let bytes = 0
    exchange.read({
      onBytes: (chunk) => {
        pieces.push(chunk)
        bytes += chunk.length
        if (bytes > REPLY_BYTES_MAX) exchange.cancel(new Error(`answer over ${REPLY_BYTES_MAX} bytes`))
      },
      onEnd: () => resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)),
      onBroken: (error) => reject(brokenReply(error, call)),
    })
  })
}

function brokenReply(error: Error, call: Answered): GatewayError {
  if (call.request.gone) return new GatewayError('client_closed')
  const code = error instanceof UpstreamTimeout ? 'upstream_timeout' : 'upstream_truncated'
  return new GatewayError(code, { internal: error.message, retryAfterMs: 1000 })
}

/** Bytes pass as they are; only metering needs them plain. What does not inflate is metered by estimate. */
async function inflated(body: Buffer, encoding: string | string[]): Promise<Buffer> {
  const inflater = typeof encoding === 'string' ? inflaters[encoding.toLowerCase()] : undefined
  if (inflater === undefined) return body
  return await inflater(body, { maxOutputLength: INFLATED_BYTES_MAX }).catch(() => body)
}

function estimate(call: Answered, body: Buffer): Usage {
  const output = call.endpoint.outputFields.length === 0 ? 0 : Math.ceil(body.length / BYTES_PER_TOKEN)
  return estimatedUsage(call, output)
}
