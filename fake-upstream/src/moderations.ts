/**
 * Moderations: a verdict for each input. A text with the word `flagged` in it is found violent; nothing else is.
 * Free at the provider: no usage, no bill.
 */
import type { Answer, Asked } from './answer.ts'
import { plainText } from './answer-text.ts'
import { emptyBill } from './bill.ts'
import { answeredModel } from './demo-models.ts'
import { type Body, isObject, missing } from './parameters.ts'
import { invalid } from './refusal.ts'

const CATEGORIES: readonly string[] = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/instructions',
  'self-harm/intent',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
]

/** Answers a moderation. Throws Refused when `input` is missing or of a wrong type. */
export function answerModeration(asked: Asked): Answer {
  const texts = readTexts(asked.body)
  const json = () => ({
    id: `modr-${asked.seed}`,
    model: answeredModel(asked.model),
    results: texts.map(judge),
  })
  return { bill: emptyBill(), json, events: null }
}

function readTexts(body: Body): readonly string[] {
  const input = body['input']
  if (input === undefined) throw missing('input')
  if (typeof input === 'string') return [input]
  if (Array.isArray(input) && input.length > 0) {
    if (input.every((item) => typeof item === 'string')) return input
    // Parts of one message (text and images) are judged together.
    if (input.every(isObject)) return [plainText(input)]
  }
  throw invalid(
    "Invalid type for 'input': expected a string, strings, or content parts.",
    'input',
    'invalid_type',
  )
}

function judge(text: string): unknown {
  const flagged = text.includes('flagged')
  const verdict = <Value>(violent: Value, harmless: Value) =>
    Object.fromEntries(
      CATEGORIES.map((category) => [category, flagged && category === 'violence' ? violent : harmless]),
    )
  return {
    flagged,
    categories: verdict(true, false),
    category_scores: verdict(0.98, 0.0001),
    category_applied_input_types: verdict(['text'], ['text']),
  }
}
