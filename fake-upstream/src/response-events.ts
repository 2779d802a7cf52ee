/**
 * The events of a response: named, numbered from 0, and ended by `response.completed` (or `.incomplete`), which
 * carries the usage. There is no `[DONE]`.
 */
import type { StreamEvent } from './answer.ts'
import type { Piece } from './answer-text.ts'
import {
  finishedResponse,
  outputItem,
  type ResponseAnswer,
  textPart,
  unfinishedResponse,
} from './response-object.ts'

/** An event before it has its number. */
type Draft = {
  type: string
  kind: StreamEvent['kind']
  fields: Readonly<Record<string, unknown>>
  piece?: Piece
}

/** The events of a response, in order, built one by one as they are taken. */
export function* responseEvents(answer: ResponseAnswer, includeObfuscation: boolean): Generator<StreamEvent> {
  let sequence = 0
  for (const { type, kind, fields, piece } of drafts(answer)) {
    const padding =
      includeObfuscation && piece !== undefined ? { obfuscation: 'x'.repeat(1 + (sequence % 8)) } : {}
    const data = JSON.stringify({ type, sequence_number: sequence++, ...fields, ...padding })
    yield { name: type, data, text: piece?.text ?? '', tokens: piece?.tokens ?? 0, kind }
  }
}

function* drafts(answer: ResponseAnswer): Generator<Draft> {
  const opened = { response: unfinishedResponse(answer) }
  yield { type: 'response.created', kind: 'open', fields: opened }
  yield { type: 'response.in_progress', kind: 'open', fields: opened }
  const added = { output_index: 0, item: outputItem(answer, 'in_progress') }
  yield { type: 'response.output_item.added', kind: 'open', fields: added }
  yield* answer.tool === null ? textDrafts(answer) : callDrafts(answer)
  const status = answer.said.limited ? 'incomplete' : 'completed'
  const done = { output_index: 0, item: outputItem(answer, status) }
  yield { type: 'response.output_item.done', kind: 'finish', fields: done }
  yield { type: `response.${status}`, kind: 'usage', fields: { response: finishedResponse(answer) } }
}

function* textDrafts({ itemId, said }: ResponseAnswer): Generator<Draft> {
  const place = { item_id: itemId, output_index: 0, content_index: 0 }
  yield { type: 'response.content_part.added', kind: 'open', fields: { ...place, part: textPart('') } }
  for (const piece of said.pieces) {
    const fields = { ...place, delta: piece.text, logprobs: [] }
    yield { type: 'response.output_text.delta', kind: 'content', fields, piece }
  }
  const done = { ...place, text: said.text, logprobs: [] }
  yield { type: 'response.output_text.done', kind: 'finish', fields: done }
  yield {
    type: 'response.content_part.done',
    kind: 'finish',
    fields: { ...place, part: textPart(said.text) },
  }
}

function* callDrafts({ itemId, said, tool }: ResponseAnswer): Generator<Draft> {
  const place = { item_id: itemId, output_index: 0 }
  for (const piece of said.pieces) {
    const fields = { ...place, delta: piece.text }
    yield { type: 'response.function_call_arguments.delta', kind: 'content', fields, piece }
  }
  const done = { ...place, name: tool?.name, arguments: said.text }
  yield { type: 'response.function_call_arguments.done', kind: 'finish', fields: done }
}
