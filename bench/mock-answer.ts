/**
 * What the mock upstream answers: a JSON completion with usage, or the events of a stream. A request may ask
 * for its stream's shape in its own body, as `"user":"mock:chunks=200,gap=5"`: the body is the one place that
 * survives every gateway on the way.
 */
import { stampOf } from './stamps.ts'

/** The answer a request asks for. `gapMs` lies between events; `eventBytes` is the size of one. */
export type Wish = {
  readonly stream: boolean
  readonly chunks: number
  readonly gapMs: number
  readonly eventBytes: number
  readonly answerBytes: number
}

const DEFAULTS = { stream: false, chunks: 200, gapMs: 5, eventBytes: 160, answerBytes: 1024 } as const
const DIRECTIVES = /mock:([a-z0-9=,]+)/

/** How much of a body's beginning has to be seen to know what it wishes. */
export const OPENING_BYTES = 1024

/** Reads the wish from the beginning of a request body. */
export function wishOf(opening: string): Wish {
  const given = new Map<string, number>()
  for (const pair of DIRECTIVES.exec(opening)?.[1]?.split(',') ?? []) {
    const [name = '', value = ''] = pair.split('=')
    if (/^\d+$/.test(value)) given.set(name, Number(value))
  }
  return {
    stream: /"stream":\s*true/.test(opening),
    chunks: given.get('chunks') ?? DEFAULTS.chunks,
    gapMs: given.get('gap') ?? DEFAULTS.gapMs,
    eventBytes: given.get('size') ?? DEFAULTS.eventBytes,
    answerBytes: given.get('bytes') ?? DEFAULTS.answerBytes,
  }
}

/** A whole JSON reply, head and body in one piece, of about `bytes` of body. */
export function jsonReply(bytes: number): Buffer {
  const before =
    '{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini",' +
    '"choices":[{"index":0,"message":{"role":"assistant","content":"'
  const after =
    '"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":350,"completion_tokens":120,' +
    '"total_tokens":470,"prompt_tokens_details":{"cached_tokens":64}},"system_fingerprint":"fp_mock"}'
  const words = 'abcde '
    .repeat(Math.ceil(bytes / 6))
    .slice(0, Math.max(1, bytes - before.length - after.length))
  const body = before + words + after
  return Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_mock\r\n' +
      `openai-processing-ms: 1\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'latin1',
  )
}

export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n' +
  'x-request-id: req_mock\r\nTransfer-Encoding: chunked\r\n\r\n'

/**
 * Content events of about `bytes` each, every one in its chunk frame.
 * @returns a function that gives one event, stamped with the time it is given
 */
export function contentEvents(bytes: number): (nowNanos: number) => string {
  const before = 'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk",'
  const opened = ',"choices":[{"index":0,"delta":{"content":"'
  const after = '"},"finish_reason":null}]}\n\n'
  const stampLength = stampOf(0).length
  const fill = Math.max(1, bytes - before.length - stampLength - opened.length - after.length)
  const rest = `${opened}${'x'.repeat(fill)}${after}`
  const head = `${(before.length + stampLength + rest.length).toString(16)}\r\n${before}`
  const tail = `${rest}\r\n`
  return (nowNanos) => head + stampOf(nowNanos) + tail
}

/** The end of a stream: finish reason, usage, `[DONE]` and the last chunk frame. */
export function lastEvents(chunks: number): string {
  const about = 'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk",'
  return `${inChunk(
    `${about}"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n` +
      `${about}"choices":[],"usage":{"prompt_tokens":350,"completion_tokens":${chunks},` +
      `"total_tokens":${350 + chunks}}}\n\n` +
      'data: [DONE]\n\n',
  )}0\r\n\r\n`
}

function inChunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}
