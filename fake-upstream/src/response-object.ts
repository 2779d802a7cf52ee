/**
 * The response object: the same answer before its output and after it. The JSON answer is the finished one; the
 * first and the last events of a stream carry one each.
 */
import type { AnswerText } from './answer-text.ts'
import { type Bill, responseUsage } from './bill.ts'
import type { ToolCall } from './tool-choice.ts'

/** Everything about a response, before it takes the shape of JSON or events. */
export type ResponseAnswer = {
  said: AnswerText
  /** The id of the one output item, and of the call in it. */
  itemId: string
  tool: (ToolCall & { callId: string }) | null
  bill: Bill
  usageKnown: boolean
  /** The fields that are the same from the first event to the last. */
  frame: Readonly<Record<string, unknown>>
}

/** The response before its output: as the first events of a stream carry it. */
export function unfinishedResponse({ frame }: ResponseAnswer): unknown {
  return { ...frame, status: 'in_progress', error: null, incomplete_details: null, output: [], usage: null }
}

/** The whole response: the JSON answer, and the last event of a stream. */
export function finishedResponse(answer: ResponseAnswer): unknown {
  const { frame, said, bill, usageKnown } = answer
  return {
    ...frame,
    status: said.limited ? 'incomplete' : 'completed',
    error: null,
    incomplete_details: said.limited ? { reason: 'max_output_tokens' } : null,
    output: [outputItem(answer, said.limited ? 'incomplete' : 'completed')],
    usage: usageKnown ? responseUsage(bill) : null,
  }
}

/** The one output item: a message or a function call, empty while `in_progress`. */
export function outputItem(
  answer: ResponseAnswer,
  status: 'in_progress' | 'completed' | 'incomplete',
): unknown {
  const { itemId: id, tool, said } = answer
  const text = status === 'in_progress' ? '' : said.text
  if (tool !== null) {
    return { id, type: 'function_call', status, call_id: tool.callId, name: tool.name, arguments: text }
  }
  const content = status === 'in_progress' ? [] : [textPart(text)]
  return { id, type: 'message', status, role: 'assistant', content }
}

/** The content part that holds the text of a message. */
export function textPart(text: string): unknown {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}
