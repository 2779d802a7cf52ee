/**
 * Completions: the older endpoint, a text in and a text out. One choice for each prompt and each of `n`;
 * `best_of` writes more candidates than are shown, and bills them all.
 */
import { type Answer, type Asked, DONE, type StreamEvent } from './answer.ts'
import { type AnswerText, hugeText, type Piece, writeAnswer } from './answer-text.ts'
import { type Bill, completionUsage, makeBill } from './bill.ts'
import { answeredModel } from './demo-models.ts'
import { readFlag, readInputs, readInteger, readStreamOptions } from './parameters.ts'
import { invalid } from './refusal.ts'
import { countInputTokens } from './tokens.ts'

const TOKENS_MAX_DEFAULT = 16

type TextChoice = { echoed: string; said: AnswerText }

type TextAnswer = {
  head: Readonly<Record<string, unknown>>
  choices: readonly TextChoice[]
  bill: Bill
  usageKnown: boolean
}

/** Answers a completion. Throws Refused for a wrong parameter. */
export function answerCompletion(asked: Asked): Answer {
  const { body, behaviour } = asked
  const prompts = body['prompt'] === undefined ? ['<|endoftext|>'] : readInputs(body, 'prompt')
  const shown = readInteger(body, 'n', { min: 1, max: 128 }) ?? 1
  const best = readInteger(body, 'best_of', { min: 1, max: 20 }) ?? shown
  if (best < shown)
    throw invalid(
      "You requested that the server return more choices than it will generate ('best_of' < 'n').",
      'best_of',
    )
  const { includeUsage } = readStreamOptions(body)
  const stream = readFlag(body, 'stream')
  if (stream && best > shown) throw invalid("'best_of' greater than 'n' cannot be streamed.", 'best_of')
  const tokensMax = readInteger(body, 'max_tokens', { min: 1, max: 10_000_000 }) ?? TOKENS_MAX_DEFAULT
  const echo = readFlag(body, 'echo')
  const written = prompts.flatMap((prompt) =>
    Array.from({ length: best }, (_, variant) => {
      const heard = typeof prompt === 'string' ? prompt : prompt.join(' ')
      const said = behaviour.extra.includes('huge')
        ? hugeText()
        : writeAnswer({ heard, words: behaviour.words, tokensMax, variant })
      return { echoed: echo ? heard : '', said, shown: variant < shown }
    }),
  )
  const completion = written.reduce((sum, choice) => sum + choice.said.tokens, 0)
  const text: TextAnswer = {
    head: {
      id: `cmpl-${asked.seed}`,
      object: 'text_completion',
      created: asked.createdS,
      model: answeredModel(asked.model),
    },
    choices: written.filter((choice) => choice.shown),
    bill: makeBill(countInputTokens(prompts), completion, behaviour),
    usageKnown: behaviour.usage === 'reported',
  }
  return {
    bill: text.bill,
    json: () => textObject(text),
    events: stream ? () => textEvents(text, includeUsage && text.usageKnown) : null,
  }
}

function textObject({ head, choices, bill, usageKnown }: TextAnswer): unknown {
  return {
    ...head,
    choices: choices.map(({ echoed, said }, index) => ({
      text: echoed + said.text,
      index,
      logprobs: null,
      finish_reason: said.limited ? 'length' : 'stop',
    })),
    ...(usageKnown ? { usage: completionUsage(bill) } : {}),
    system_fingerprint: 'fp_fake000001',
  }
}

function* textEvents(answer: TextAnswer, includeUsage: boolean): Generator<StreamEvent> {
  const { head, choices, bill } = answer
  const usage = includeUsage ? { usage: null } : {}
  for (const [index, { echoed, said }] of choices.entries()) {
    const pieces: readonly Piece[] =
      echoed === '' ? said.pieces : [{ text: echoed, tokens: 0 }, ...said.pieces]
    for (const { text, tokens } of pieces) {
      const choice = { text, index, logprobs: null, finish_reason: null }
      const data = JSON.stringify({ ...head, choices: [choice], ...usage })
      yield { name: null, data, text, tokens, kind: 'content' }
    }
  }
  for (const [index, { said }] of choices.entries()) {
    const choice = { text: '', index, logprobs: null, finish_reason: said.limited ? 'length' : 'stop' }
    const data = JSON.stringify({ ...head, choices: [choice], ...usage })
    yield { name: null, data, text: '', tokens: 0, kind: 'finish' }
  }
  if (includeUsage) {
    const data = JSON.stringify({ ...head, choices: [], usage: completionUsage(bill) })
    yield { name: null, data, text: '', tokens: 0, kind: 'usage' }
  }
  yield DONE
}
