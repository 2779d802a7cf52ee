/** Counting in pieces tells what counting whole tells, or is off by as much as is said, and takes time by the length. */

import fc from 'fast-check'
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens, encode } from 'gpt-tokenizer/encoding/o200k_base'
import { modelToEncodingMap } from 'gpt-tokenizer/mapping'
import { expect, test } from 'vitest'
import { hostileTexts } from '../../../tests/pricing/hostile-texts.ts'
import { prompts } from '../../../tests/pricing/prompts.ts'
import { rounds } from '../../../tests/servers/rounds.ts'
import { counterOf, countTexts, encodingOf } from './count-text.ts'
import { forcedCuts, PIECE_LENGTH, piecesOf } from './pieces.ts'

const count = await counterOf('gpt-4o')
const countOld = await counterOf('gpt-4')
const plain = { disallowedSpecial: new Set<string>() }

/**
 * By how many tokens one cut where no token must begin may change the count: four were the most in 160 000 comparisons,
 * and nearly always it is none or one.
 */
const OFF_BY_CUT = 6

const spaced = prompts.filter(({ kind }) => !['Chinese', 'Japanese', 'base64', 'digits'].includes(kind))

test('texts in languages with spaces, program text and JSON are counted exactly, however long', () => {
  for (const { kind, text } of spaced) {
    const long = Array.from({ length: 20 }, () => text).join(kind === 'program text' ? '\n' : ' ')
    expect(countTexts([text], count), kind).toBe(encode(text).length)
    expect(countTexts([long], count), kind).toBe(encode(long).length)
    expect(countTexts([long], countOld), kind).toBe(countCl100k(long, plain))
  }
})

test('text without spaces is off by a few tokens at most for each cut that no border allowed', () => {
  for (const { kind, text } of prompts) {
    const exact = encode(text).length
    const counted = countTexts([text], count) ?? 0
    expect(Math.abs(counted - exact), kind).toBeLessThanOrEqual(OFF_BY_CUT * forcedCuts(text))
  }
})

const word = fc.oneof(
  fc.constantFrom(...spaced.flatMap(({ text }) => text.split(' ').slice(0, 40))),
  fc.stringMatching(/^[A-Za-z0-9+/]{1,300}$/),
  fc.constantFrom(
    'a',
    '_',
    '漢',
    '字',
    '。',
    '🙂',
    '👩‍👩‍👧',
    '\u0301',
    "it's",
    "L'ÉTÉ",
    '\r\n',
    '\t',
    '   ',
    '<|endoftext|>',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const anyText = fc
  .array(fc.tuple(word, fc.constantFrom('', ' ', '\n', '  \n'), fc.integer({ min: 1, max: 40 })), {
    maxLength: 40,
  })
  .map((parts) => parts.map(([it, glue, times]) => (it + glue).repeat(times)).join(''))

test('whatever the text, its pieces are the text, none is long, and the count is off by what is said', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const pieces = [...piecesOf(text)]
      expect(pieces.join('')).toBe(text)
      for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(PIECE_LENGTH)
      const counted = countTexts([text], count) ?? 0
      expect(Math.abs(counted - countTokens(text, plain))).toBeLessThanOrEqual(OFF_BY_CUT * forcedCuts(text))
      expect(counted).toBeLessThanOrEqual(Buffer.byteLength(text))
      const old = countTexts([text], countOld) ?? 0
      expect(Math.abs(old - countCl100k(text, plain))).toBeLessThanOrEqual(OFF_BY_CUT * forcedCuts(text))
    }),
    { numRuns: rounds(150) },
  )
})

test.each(Object.keys(hostileTexts))(
  'four times as much of %s takes no more than some four times as long',
  (kind) => {
    const took = (length: number) => {
      const text = (hostileTexts[kind] as (length: number) => string)(length)
      const startedMs = performance.now()
      countTexts([text], count)
      return performance.now() - startedMs
    }
    const least = (length: number) => Math.min(took(length), took(length), took(length))
    const short = least(40_000)
    // Counted whole, four times as much would take sixteen times as long. What is noise is no part of it.
    expect(least(160_000)).toBeLessThan(12 * short + 60)
  },
)

test('counting that takes too long is given up', () => {
  expect(countTexts(['some text'], count, performance.now() - 1)).toBeNull()
})

test('the encoding is that of the model, also of a dated one, and the newest for names nobody knows', () => {
  for (const [model, encoding] of Object.entries(modelToEncodingMap))
    if (encoding === 'cl100k_base' || encoding === 'o200k_base')
      expect(encodingOf(model), model).toBe(encoding)
  expect(encodingOf('gpt-35-turbo')).toBe('cl100k_base')
  expect(encodingOf('gpt-4-2023-03-14')).toBe('cl100k_base')
  for (const model of ['gpt-4o', 'gpt-4.1-mini', 'o3', 'gpt-6-sol', 'toString', ''])
    expect(encodingOf(model)).toBe('o200k_base')
})
