/**
 * Answers as they come over the wire, whole or as events, with the bill a person made of the usage in them. Texts
 * and arguments in them look like usage too, as a caller may have it.
 */
import type { Provider } from '@headgate/domain/price'
import type { Bill } from './exact-bill.ts'

type Json = Record<string, unknown>

export type Fixture = Bill & {
  readonly name: string
  readonly provider: Provider
  readonly model: string
  /** The answer as JSON, or the events of a stream. */
  readonly answer: Json | readonly Json[]
}

type Told = Partial<Omit<Bill, 'amounts'>> & { readonly provider?: Provider; readonly more?: Json }

/** An answer in the words of chat completions, whole and as the last event of a stream. */
export function chat(
  name: string,
  model: string,
  usage: Json,
  amounts: Bill['amounts'],
  told: Told = {},
): Fixture[] {
  const { more = {} } = told
  const message = { role: 'assistant', content: 'Say "usage": {} and "service_tier": "flex".' }
  const whole = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [{ index: 0, message }],
    usage,
    ...more,
  }
  const piece = { id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ delta: { content: 'a' } }] }
  const pieces = [
    { ...piece, usage: null, ...more },
    { ...piece, choices: [], ...more, usage },
  ]
  return [whole, pieces].map((answer) => fixture(name, model, answer, amounts, told))
}

/** The same in the words of responses. */
export function responses(
  name: string,
  model: string,
  usage: Json,
  amounts: Bill['amounts'],
  told: Told = {},
): Fixture[] {
  const frame = { id: 'resp_1', object: 'response', status: 'completed', output: [], tools: [], ...told.more }
  const whole = { ...frame, service_tier: 'default', ...told.more, usage, user: null, metadata: {} }
  const events = [
    { type: 'response.created', response: { ...frame, usage: null } },
    { type: 'response.output_text.delta', delta: '"usage": {"input_tokens": 1}' },
    { type: 'response.completed', response: { ...frame, usage } },
  ]
  return [whole, events].map((answer) => fixture(name, model, answer, amounts, told))
}

export function fixture(
  name: string,
  model: string,
  answer: Fixture['answer'],
  amounts: Bill['amounts'],
  told: Told,
): Fixture {
  const { provider = 'openai', tier = 'standard', above = 0, multiplierMillionths = 1_000_000 } = told
  const kind = Array.isArray(answer) ? 'stream' : 'JSON'
  return {
    name: `${name}, ${model}, ${kind}`,
    provider,
    model,
    answer,
    amounts,
    tier,
    above,
    multiplierMillionths,
  }
}

export const tier = (name: string) => ({
  more: { service_tier: name },
  tier: name === 'default' ? 'standard' : name,
})
export const cached = (n: number, more: Json = {}) => ({
  prompt_tokens_details: { cached_tokens: n, ...more },
})
export const read = (n: number, written = 0) => ({
  input_tokens_details: { cached_tokens: n, cache_write_tokens: written },
})
