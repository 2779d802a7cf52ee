/**
 * The events of a chat completion: for each choice a role, its text piece by piece, a finish reason; then, when
 * asked for, the usage chunk; then `[DONE]`. With `include_usage` every chunk but the last says `usage: null`.
 */
import { DONE, type StreamEvent } from './answer.ts'
import type { AnswerText, Piece } from './answer-text.ts'
import { CATEGORIES_SAFE, promptFilterEvent, withAsyncFilter } from './azure-filter.ts'
import type { ExtraEvents } from './behaviour.ts'
import { type Bill, completionUsage } from './bill.ts'
import type { ToolCall } from './tool-choice.ts'

export type ChatChoice = {
  /** The text, or the arguments of the tool call. */
  said: AnswerText
  tool: (ToolCall & { id: string }) | null
  finishReason: 'stop' | 'length' | 'tool_calls'
}

/** Everything about a chat answer, before it takes the shape of JSON or events. */
export type ChatAnswer = {
  id: string
  model: string
  createdS: number
  choices: readonly ChatChoice[]
  bill: Bill
  /** Azure adds what its content filter says. */
  filtered: boolean
  usageKnown: boolean
  serviceTier: string
}

export type ChatStreamOptions = {
  includeUsage: boolean
  includeObfuscation: boolean
  extra: readonly ExtraEvents[]
}

/** The events of a chat answer, in order, built one by one as they are taken. */
export function* chatEvents(chat: ChatAnswer, options: ChatStreamOptions): Generator<StreamEvent> {
  const includeUsage = options.includeUsage && chat.usageKnown
  if (options.extra.includes('empty-first-choices')) {
    yield chunkEvent(chat, { choices: [], includeUsage, kind: 'open' })
  }
  if (chat.filtered) yield promptFilterEvent(includeUsage)
  const spoken = choiceEvents(chat, { ...options, includeUsage })
  if (options.extra.includes('azure-filter')) yield* withAsyncFilter(spoken, includeUsage)
  else yield* spoken
  if (includeUsage) {
    yield chunkEvent(chat, { choices: [], includeUsage, kind: 'usage', usage: completionUsage(chat.bill) })
  }
  yield DONE
}

function* choiceEvents(chat: ChatAnswer, options: ChatStreamOptions): Generator<StreamEvent> {
  const { includeUsage } = options
  const filterResults = chat.filtered ? { content_filter_results: {} } : {}
  for (const [index, choice] of chat.choices.entries()) {
    const open = { index, delta: openingDelta(choice), logprobs: null, finish_reason: null, ...filterResults }
    yield chunkEvent(chat, { choices: [open], includeUsage, kind: 'open' })
  }
  const rounds = Math.max(...chat.choices.map((choice) => choice.said.pieces.length))
  for (let round = 0; round < rounds; round++) {
    for (const [index, choice] of chat.choices.entries()) {
      const piece = choice.said.pieces[round]
      if (piece === undefined) continue
      const delta = pieceDelta(choice, piece)
      const results = chat.filtered ? { content_filter_results: CATEGORIES_SAFE } : {}
      const content = { index, delta, logprobs: null, finish_reason: null, ...results }
      const padding = options.includeObfuscation ? 'x'.repeat(1 + (piece.text.length % 8)) : null
      yield chunkEvent(chat, { choices: [content], includeUsage, kind: 'content', piece, padding })
    }
  }
  for (const [index, choice] of chat.choices.entries()) {
    const finish = { index, delta: {}, logprobs: null, finish_reason: choice.finishReason, ...filterResults }
    yield chunkEvent(chat, { choices: [finish], includeUsage, kind: 'finish' })
  }
}

function openingDelta({ tool }: ChatChoice): unknown {
  if (tool === null) return { role: 'assistant', content: '', refusal: null }
  const call = { index: 0, id: tool.id, type: 'function', function: { name: tool.name, arguments: '' } }
  return { role: 'assistant', content: null, tool_calls: [call], refusal: null }
}

function pieceDelta({ tool }: ChatChoice, piece: Piece): unknown {
  if (tool === null) return { content: piece.text }
  return { tool_calls: [{ index: 0, function: { arguments: piece.text } }] }
}

function chunkEvent(
  chat: ChatAnswer,
  chunk: {
    choices: readonly unknown[]
    includeUsage: boolean
    kind: StreamEvent['kind']
    usage?: unknown
    piece?: Piece
    padding?: string | null
  },
): StreamEvent {
  const data = JSON.stringify({
    id: chat.id,
    object: 'chat.completion.chunk',
    created: chat.createdS,
    model: chat.model,
    service_tier: chat.serviceTier,
    system_fingerprint: 'fp_fake000001',
    choices: chunk.choices,
    ...(chunk.includeUsage ? { usage: chunk.usage ?? null } : {}),
    ...(chunk.padding ? { obfuscation: chunk.padding } : {}),
  })
  return {
    name: null,
    data,
    text: chunk.piece?.text ?? '',
    tokens: chunk.piece?.tokens ?? 0,
    kind: chunk.kind,
  }
}
