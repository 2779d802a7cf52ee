/**
 * Counts the tokens of calls in a thread of its own, so that neither reading a long body nor counting hostile text
 * holds up anybody's call. Answers one question after the other, and gives up on one that takes too long.
 */
import { parentPort } from 'node:worker_threads'
import { promptText } from '../endpoints/prompt-text.ts'
import { SaidText } from '../endpoints/said-text.ts'
import { type CountPiece, counterOf, countTexts, encodingOf } from './count-text.ts'
import type { CountAnswer, PostedQuestion } from './question.ts'

const counters = new Map<string, CountPiece>()

async function counterFor(model: string): Promise<CountPiece> {
  const encoding = encodingOf(model)
  const counter = counters.get(encoding) ?? (await counterOf(model))
  counters.set(encoding, counter)
  return counter
}

async function answerTo(question: PostedQuestion): Promise<CountAnswer> {
  const { number, model, endpoint, body, said, workMs } = question
  const count = await counterFor(model)
  const untilMs = performance.now() + workMs
  const prompt = promptText(endpoint, parsed(body))
  const input = countTexts(prompt.texts, count, untilMs)
  const output = countTexts(textsOf(said), count, untilMs)
  if (input === null || output === null) return { number, counted: null }
  return { number, counted: { input: input + prompt.fixedTokens, output } }
}

/** @throws Error when a whole answer is none that we know how to read: then its text cannot be said to be nothing */
function textsOf(said: PostedQuestion['said']): readonly string[] {
  if (said === null) return []
  if (!(said instanceof Uint8Array)) return said
  const text = new SaidText()
  text.add(parsed(said))
  const texts = text.texts() ?? []
  if (texts.length === 0) throw new Error('no text in the answer')
  return texts
}

function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
}

parentPort?.on('message', (question: PostedQuestion) => {
  void answerTo(question)
    .catch((): CountAnswer => ({ number: question.number, counted: null }))
    .then((answer) => parentPort?.postMessage(answer))
})
