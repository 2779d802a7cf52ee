/**
 * Sends a JSON answer, whole or with the faults the behaviour asks for: a wrong content-length, half a body and
 * silence, half a body and no more, an encoding nobody asked for.
 */
import { gzipSync } from 'node:zlib'
import type { Answer } from './answer.ts'
import type { Behaviour } from './behaviour.ts'
import type { Exchange } from './exchange.ts'
import { breathe, keepSilent } from './pace.ts'
import type { HeaderList } from './provider-headers.ts'
import type { Refusal } from './refusal.ts'

/** By how much a wrong content-length is wrong. */
const LENGTH_ERROR_BYTES = 20

/** Sends the answer as one JSON body. */
export async function sendJson(exchange: Exchange, answer: Answer, headers: HeaderList): Promise<void> {
  const { response, call, behaviour } = exchange
  const text = JSON.stringify(answer.json())
  const body = behaviour.gzip ? gzipSync(text) : text
  const length = declaredLength(Buffer.byteLength(body), behaviour)
  headers.push('content-type', 'application/json', 'content-length', length)
  if (behaviour.gzip) headers.push('content-encoding', 'gzip')
  response.writeHead(200, headers)
  call.status = 200
  call.billed = { ...answer.bill }
  const bytes = () => Buffer.from(body)
  if (behaviour.break === 'stall') return sendHalves(exchange, bytes())
  if (behaviour.break === 'cut') return sendAndCut(exchange, firstHalf(bytes()))
  if (behaviour.contentLength === 'longer') return sendAndCut(exchange, bytes())
  send(exchange, body)
  // A text goes out in one write with its head, bytes would need two.
  response.end(body)
}

/** Sends a refusal in the shape already chosen; the bill stays as it is. */
export function sendRefusal(
  exchange: Exchange,
  body: string,
  sent: { refusal: Refusal; headers: HeaderList },
): void {
  const { response, call } = exchange
  const { refusal, headers } = sent
  exchange.ending = 'error'
  for (const [name, value] of Object.entries(refusal.headers ?? {})) headers.push(name, value)
  if (body !== '') headers.push('content-type', 'application/json')
  headers.push('content-length', String(Buffer.byteLength(body)))
  response.writeHead(refusal.status, headers)
  call.status = refusal.status
  send(exchange, body)
  response.end(body)
}

function declaredLength(bytes: number, { contentLength }: Behaviour): string {
  if (contentLength === 'longer') return String(bytes + LENGTH_ERROR_BYTES)
  if (contentLength === 'shorter') return String(Math.max(0, bytes - LENGTH_ERROR_BYTES))
  return contentLength === 'text' ? `${bytes}, or so` : String(bytes)
}

async function sendHalves(exchange: Exchange, body: Buffer): Promise<void> {
  const { response, behaviour } = exchange
  const first = firstHalf(body)
  const rest = body.subarray(first.length)
  send(exchange, first)
  response.write(first)
  if (!(await keepSilent(exchange, behaviour.stallMs))) return
  send(exchange, rest)
  response.end(rest)
}

async function sendAndCut(exchange: Exchange, body: Buffer): Promise<void> {
  const { response } = exchange
  exchange.ending = 'cut'
  send(exchange, body)
  await new Promise<void>((resolve) => {
    response.once('close', () => resolve())
    response.write(body, () => resolve())
  })
  await breathe()
  response.destroy()
}

function send({ call, keepAnswer }: Exchange, body: Buffer | string): void {
  call.bytesSent += Buffer.byteLength(body)
  keepAnswer(body)
}

function firstHalf(body: Buffer): Buffer {
  return body.subarray(0, body.length >> 1)
}
