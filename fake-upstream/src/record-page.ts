/**
 * The pages of the fake itself, below `/__`: its health, and its record over HTTP for tests in other processes.
 * Calls to them are not recorded.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fake } from './serve-call.ts'

/**
 * Answers `GET /__health`, `GET /__record` (with `?since=<sequence>`: only later calls) and `DELETE /__record`.
 * Bodies are base64.
 */
export function servePage(
  request: IncomingMessage,
  response: ServerResponse,
  { fake, reset }: { fake: Fake; reset: () => void },
): void {
  request.resume()
  const url = new URL(request.url ?? '/', 'http://localhost')
  const asked = `${request.method} ${url.pathname}`
  if (asked === 'GET /__health') {
    reply(response, 200, { status: 'ok' })
  } else if (asked === 'GET /__record') {
    reply(response, 200, describeRecord(fake, Number(url.searchParams.get('since') ?? 0)))
  } else if (asked === 'DELETE /__record') {
    reset()
    response.writeHead(204)
    response.end()
  } else {
    const message = `No page ${asked}. There are GET /__health, GET /__record, DELETE /__record.`
    reply(response, 404, { error: { message, type: 'invalid_request_error', param: null, code: null } })
  }
}

function describeRecord({ record }: Fake, since: number): unknown {
  const calls = record
    .list()
    .filter((call) => call.sequence > since)
    .map((call) => ({
      ...call,
      body: call.body?.toString('base64') ?? null,
      answer: call.answer?.toString('base64') ?? null,
    }))
  return { calls, dropped: record.dropped() }
}

function reply(response: ServerResponse, status: number, page: unknown): void {
  const text = JSON.stringify(page)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
