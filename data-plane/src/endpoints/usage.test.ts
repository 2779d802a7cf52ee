/** Usage as providers report it, and as a hostile one might. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { readUsage, usageOfEvent, usageOfReply } from './usage.ts'

test('both namings of usage are read, with their details', () => {
  const chat = {
    prompt_tokens: 10,
    completion_tokens: 20,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 5 },
  }
  expect(readUsage(chat)).toEqual({ input: 10, cachedInput: 4, output: 20, reasoning: 5 })
  const responses = {
    input_tokens: 10,
    output_tokens: 20,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens_details: { reasoning_tokens: 5 },
  }
  expect(readUsage(responses)).toEqual(readUsage(chat))
  expect(readUsage({ prompt_tokens: 8, total_tokens: 8 })).toMatchObject({ input: 8, output: 0 })
})

test('figures that cannot be counts are not believed', () => {
  for (const wrong of [
    -1,
    1.5,
    1e308,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '12',
    null,
    {},
    [],
    true,
    1e10,
  ]) {
    expect(readUsage({ prompt_tokens: wrong, completion_tokens: 1 }), String(wrong)).toBeNull()
    if (wrong === null) continue
    expect(readUsage({ prompt_tokens: 1, completion_tokens: wrong }), String(wrong)).toBeNull()
  }
  for (const wrong of [null, undefined, 1, 'usage', [], {}, true]) expect(readUsage(wrong)).toBeNull()
})

test('a part is never larger than its whole', () => {
  const value = {
    prompt_tokens: 10,
    completion_tokens: 2,
    prompt_tokens_details: { cached_tokens: 1000 },
    completion_tokens_details: { reasoning_tokens: 1000 },
  }
  expect(readUsage(value)).toEqual({ input: 10, cachedInput: 10, output: 2, reasoning: 2 })
})

test('whatever JSON calls itself usage, what is read of it are counts or nothing', () => {
  const keys = ['prompt_tokens', 'completion_tokens', 'input_tokens', 'output_tokens'] as const
  const figure = fc.oneof(fc.double(), fc.integer(), fc.jsonValue())
  const details = fc.oneof(figure, fc.record({ cached_tokens: figure, reasoning_tokens: figure }))
  const figures = Object.fromEntries(keys.map((key) => [key, figure]))
  const usage = fc.record(
    { ...figures, prompt_tokens_details: details, completion_tokens_details: details },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(usage, (value) => {
      const read = readUsage(value)
      if (read === null) return
      for (const count of Object.values(read)) expect(Number.isInteger(count) && count >= 0).toBe(true)
      expect(read.cachedInput).toBeLessThanOrEqual(read.input)
      expect(read.reasoning).toBeLessThanOrEqual(read.output)
    }),
    { numRuns: rounds(1000) },
  )
})

test('only the top level of a reply counts', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4 }
  expect(usageOfReply(Buffer.from(JSON.stringify({ usage })))).toMatchObject({ input: 3, output: 4 })
  expect(usageOfReply(Buffer.from(JSON.stringify({ tools: [{ usage }] })))).toBeNull()
  for (const text of ['', '[]', '{"usage":', '<html>', '\xff']) {
    expect(usageOfReply(Buffer.from(text, 'latin1')), text).toBeNull()
  }
})

test('a reply of a hundred megabytes of numbers is still read for its usage', () => {
  const row = `[${'0.123456789012345,'.repeat(3071)}0.1]`
  const vectors = `[${Array(400).fill(`{"embedding":${row}}`).join(',')}]`
  const reply = Buffer.from(`{"data":${vectors},"usage":{"prompt_tokens":9,"total_tokens":9}}`)
  expect(usageOfReply(reply)?.input).toBe(9)
})

test('an event is bare when it holds usage and no choices', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4 }
  expect(usageOfEvent({ choices: [], usage })?.bare).toBe(true)
  expect(usageOfEvent({ choices: [{}], usage })?.bare).toBe(false)
  expect(usageOfEvent({ type: 'response.completed', response: { usage } })?.bare).toBe(false)
  expect(usageOfEvent({ type: 'other', response: { usage } })).toBeNull()
  for (const nothing of [null, 1, 'x', [], {}, { usage: null }]) expect(usageOfEvent(nothing)).toBeNull()
})
