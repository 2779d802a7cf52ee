// Shows that the bodies of a bench are real requests of the stated size, and that the mock reads its wishes in them.
import { expect, test } from 'vitest'
import { BENCH_MODEL, chatBody } from './bodies.ts'
import { contentEvents, jsonReply, lastEvents, OPENING_BYTES, wishOf } from './mock-answer.ts'

test('a body is JSON of exactly the asked size', () => {
  for (const bytes of [250, 1536, 1537, 1580, 200_000]) {
    const body = chatBody({ bytes, stream: false })
    expect(Buffer.byteLength(body)).toBe(bytes)
    expect(JSON.parse(body)).toMatchObject({ model: BENCH_MODEL })
  }
})

test('what a stream should be like is seen in the opening of its body', () => {
  const body = chatBody({ bytes: 200_000, stream: true, directives: 'chunks=7,gap=20' })
  expect(wishOf(body.slice(0, OPENING_BYTES))).toMatchObject({ stream: true, chunks: 7, gapMs: 20 })
  expect(wishOf(chatBody({ bytes: 1536, stream: false })).stream).toBe(false)
})

test('a JSON reply states its length and holds usage', () => {
  const [head = '', body = ''] = jsonReply(1024).toString('latin1').split('\r\n\r\n')
  expect(head).toContain(`Content-Length: ${body.length}`)
  expect(body).toHaveLength(1024)
  expect(JSON.parse(body).usage).toMatchObject({ prompt_tokens: 350, completion_tokens: 120 })
})

test('an event has the asked size in a frame that says so', () => {
  const [size = '', event = ''] = contentEvents(160)(123).split('\r\n')
  expect(event).toHaveLength(160)
  expect(Number.parseInt(size, 16)).toBe(160)
  expect(JSON.parse(event.slice('data: '.length)).t).toBe('00000000000000000123')
  expect(lastEvents(9)).toContain('"completion_tokens":9')
})
