/** How far the estimate of the input is from the truth, by kind of text; the guide on prices states these figures. */
import { chatCompletions } from '@headgate/data-plane/endpoints/chat-completions'
import { estimateTokens } from '@headgate/data-plane/endpoints/endpoint'
import { openBody } from '@headgate/data-plane/message/body'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import { prompts } from './prompts.ts'

/** The estimate over the exact count: from, to. The frame of the body, some 60 bytes, weighs most on short prompts. */
const stated: Readonly<Record<string, readonly [number, number]>> = {
  English: [1.29, 1.43],
  German: [1.16, 1.24],
  French: [1.13, 1.29],
  Spanish: [1.16, 1.3],
  Italian: [0.99, 1.04],
  Polish: [0.9, 0.98],
  Turkish: [0.9, 1.08],
  Russian: [1.78, 1.83],
  Arabic: [1.29, 1.36],
  Hindi: [2.28, 2.37],
  Chinese: [0.96, 1.12],
  Japanese: [0.9, 0.99],
  'program text': [0.8, 0.98],
  JSON: [0.86, 1.19],
  base64: [0.37, 0.41],
  digits: [0.44, 0.48],
}

const wrap = (text: string) =>
  openBody(Buffer.from(JSON.stringify({ model: 'gpt', messages: [{ role: 'user', content: text }] })))

function ratiosOf(kind: string): number[] {
  return prompts
    .filter((it) => it.kind === kind)
    .map(({ text }) => estimateTokens(chatCompletions, wrap(text)).input / (countTokens(text) + 7))
}
const kinds = [...new Set(prompts.map((it) => it.kind))]

test('there are two hundred prompts, in twelve languages and four kinds beside', () => {
  expect(prompts).toHaveLength(200)
  expect(kinds).toHaveLength(16)
})

test.each(kinds)('the estimate of %s is as far off as the guide says', (kind) => {
  const ratios = ratiosOf(kind)
  expect([Math.min(...ratios), Math.max(...ratios)].map((ratio) => Number(ratio.toFixed(2)))).toEqual(
    stated[kind],
  )
})
