/**
 * Sends a stream: takes the steps one by one, waits for the socket to drain, and stops producing as soon as the
 * client is gone. What was sent, and what it costs so far, goes into the record at once.
 */
import type { ServerResponse } from 'node:http'
import { constants, createGzip } from 'node:zlib'
import type { Answer } from './answer.ts'
import { billSoFar } from './bill.ts'
import type { Exchange } from './exchange.ts'
import { breathe, isGone, keepSilent, pause } from './pace.ts'
import type { HeaderList } from './provider-headers.ts'
import { planSteps, type Step, splitPlace } from './stream-steps.ts'

/** Events written in one go before the sockets are served; and the silence inside a split event. */
const EVENTS_PER_BREATH = 32
const SPLIT_GAP_MS = 2

/** Writes bytes and waits until the socket wants more. */
type Sink = { write: (bytes: Buffer) => Promise<void>; end: () => void }

/** Sends the events of an answer as `text/event-stream`, with the faults the behaviour asks for. */
export async function sendStream(exchange: Exchange, answer: Answer, headers: HeaderList): Promise<void> {
  const { response, call, behaviour } = exchange
  if (answer.events === null) return
  const encoding = behaviour.gzip ? ['content-encoding', 'gzip'] : []
  const type = ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-cache']
  response.writeHead(200, [...headers, ...type, ...encoding])
  response.flushHeaders()
  call.status = 200
  call.billed = billSoFar(answer.bill, 0)
  const sink = behaviour.gzip ? gzipSink(exchange) : plainSink(exchange)
  let tokensSent = 0
  for (const step of planSteps(answer.events(), behaviour)) {
    if (isGone(response)) return
    if (step.do === 'wait') {
      await keepSilent(exchange, step.ms)
      continue
    }
    if (step.do === 'send') {
      await sendEvent(exchange, sink, step.bytes)
      tokensSent += step.tokens
      const whole = step.kind === 'finish' || step.kind === 'usage' || step.kind === 'done'
      call.billed = whole ? { ...answer.bill } : billSoFar(answer.bill, tokensSent)
      continue
    }
    return breakOff(exchange, sink, step)
  }
  sink.end()
}

async function sendEvent(exchange: Exchange, sink: Sink, bytes: Buffer): Promise<void> {
  const { response, call, behaviour } = exchange
  if (behaviour.splitEvents) {
    const place = splitPlace(bytes, call.eventsSent)
    await sink.write(bytes.subarray(0, place))
    await pause(response, SPLIT_GAP_MS)
    await sink.write(bytes.subarray(place))
  } else {
    await sink.write(bytes)
  }
  call.eventsSent++
  if (call.eventsSent % EVENTS_PER_BREATH === 0) await breathe()
}

async function breakOff(
  exchange: Exchange,
  sink: Sink,
  step: Exclude<Step, { do: 'send' | 'wait' }>,
): Promise<void> {
  exchange.ending = step.do === 'fail' ? 'error' : 'cut'
  if (step.do === 'cut') {
    // What was written must reach the client first: a destroyed socket drops what is still in its buffer.
    await breathe()
    exchange.response.destroy()
    return
  }
  if (step.do === 'fail') await sendEvent(exchange, sink, step.bytes)
  sink.end()
}

function plainSink({ response, call, keepAnswer }: Exchange): Sink {
  return {
    write: async (bytes) => {
      if (isGone(response)) return
      call.bytesSent += bytes.length
      keepAnswer(bytes)
      if (!response.write(bytes)) await drained(response)
    },
    end: () => response.end(),
  }
}

function gzipSink({ response, call, keepAnswer }: Exchange): Sink {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
  gzip.on('data', (bytes: Buffer) => {
    call.bytesSent += bytes.length
    keepAnswer(bytes)
  })
  gzip.pipe(response)
  response.once('close', () => gzip.destroy())
  gzip.once('error', () => response.destroy())
  return {
    write: (bytes) =>
      new Promise((resolve) => {
        if (gzip.destroyed) resolve()
        else gzip.write(bytes, () => resolve())
      }),
    end: () => gzip.end(),
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      response.off('drain', end)
      response.off('close', end)
      resolve()
    }
    response.once('drain', end)
    response.once('close', end)
  })
}
