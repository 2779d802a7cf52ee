/** What a call is held to weigh before anything is known of its answer. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { openBody } from '../message/body.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import { embeddings } from './embeddings.ts'
import { ceilingAsked, choicesAsked, estimateTokens, wantsStream } from './endpoint.ts'
import { forwardedEndpoints } from './index.ts'
import { responses } from './responses.ts'

const bodyOf = (value: unknown) =>
  openBody(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))

test('the output is the caller’s own ceiling, times the choices asked for', () => {
  expect(estimateTokens(chatCompletions, bodyOf({ max_tokens: 50 })).output).toBe(50)
  expect(estimateTokens(chatCompletions, bodyOf({ max_tokens: 50, max_completion_tokens: 70 })).output).toBe(
    70,
  )
  expect(estimateTokens(chatCompletions, bodyOf({ max_tokens: 50, n: 3 })).output).toBe(150)
  expect(estimateTokens(completions, bodyOf({ max_tokens: 50, n: 2, best_of: 5 })).output).toBe(250)
  expect(estimateTokens(responses, bodyOf({ max_output_tokens: 9 })).output).toBe(9)
  expect(estimateTokens(embeddings, bodyOf({ input: 'x', max_tokens: 50 })).output).toBe(0)
})

test('who names no ceiling, or one that is none, is held to have asked for a usual answer', () => {
  for (const ceiling of [undefined, null, -1, 'x', [], {}, 1e300])
    expect(estimateTokens(chatCompletions, bodyOf({ max_tokens: ceiling })).output).toBe(1024)
})

test('a cap on the output holds the estimate down, for who names no ceiling too', () => {
  expect(estimateTokens(chatCompletions, bodyOf({}), 100).output).toBe(100)
  expect(estimateTokens(chatCompletions, bodyOf({ n: 3 }), 100).output).toBe(300)
  expect(estimateTokens(chatCompletions, bodyOf({}), 5000).output).toBe(1024)
  expect(estimateTokens(chatCompletions, bodyOf({ max_tokens: 50 }), 100).output).toBe(50)
})

test('of several ceilings the highest counts, and what is no count is over all', () => {
  const ceiling = (body: object) => ceilingAsked(chatCompletions, bodyOf(body))
  expect(ceiling({ max_tokens: 7, max_completion_tokens: 5 })).toEqual({ field: 'max_tokens', count: 7 })
  expect(ceiling({ max_tokens: null })).toBeNull()
  for (const value of ['9', -1, [], {}, true])
    expect(ceiling({ max_tokens: value })?.count).toBe(Number.POSITIVE_INFINITY)
  expect(choicesAsked(completions, bodyOf({ n: 2, best_of: 5 }))).toEqual({ field: 'best_of', count: 5 })
  expect(choicesAsked(embeddings, bodyOf({ n: 9 }))).toBeNull()
})

test('an inline file weighs the same whatever its size', () => {
  const withFile = (bytes: number) => bodyOf({ image: `data:image/png;base64,${'A'.repeat(bytes)}` })
  const small = estimateTokens(chatCompletions, withFile(1000)).input
  expect(estimateTokens(chatCompletions, withFile(5_000_000)).input).toBe(small)
})

test('whatever the body says, the estimate is a count, and more text never weighs less', () => {
  const value = fc.oneof(fc.integer(), fc.double(), fc.jsonValue())
  const bodies = fc.record(
    { max_tokens: value, n: value, best_of: value, max_output_tokens: value },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(bodies, fc.string(), fc.string(), (body, text, more) => {
      for (const endpoint of forwardedEndpoints) {
        const { input, output } = estimateTokens(endpoint, bodyOf({ ...body, text }))
        expect(Number.isSafeInteger(input) && input >= 0).toBe(true)
        expect(Number.isSafeInteger(output) && output >= 0).toBe(true)
        expect(estimateTokens(endpoint, bodyOf({ ...body, text: text + more })).input).toBeGreaterThanOrEqual(
          input,
        )
      }
    }),
    { numRuns: rounds(300) },
  )
})

test('only true asks for a stream, and only where there is one', () => {
  for (const other of ['false', 'null', '1', '"true"', '[true]']) {
    expect(wantsStream(chatCompletions, bodyOf(`{"stream":${other}}`))).toBe(false)
  }
  expect(wantsStream(chatCompletions, bodyOf('{"stream": true }'))).toBe(true)
  expect(wantsStream(embeddings, bodyOf('{"stream":true}'))).toBe(false)
  expect(wantsStream(chatCompletions, bodyOf('{"a":{"stream":true}}'))).toBe(false)
})
