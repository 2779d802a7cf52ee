/**
 * Responses (create): reads a request, writes one message or one function call, and shapes it as a `response`.
 * The stream of the same answer is in response-events.ts. Nothing is stored: the answer cannot be fetched later.
 */
import type { Answer, Asked } from './answer.ts'
import { cutText, hugeText, lastUserText, writeAnswer } from './answer-text.ts'
import { makeBill } from './bill.ts'
import { answeredModel } from './demo-models.ts'
import {
  answeredTier,
  type Body,
  isObject,
  missing,
  readFlag,
  readInteger,
  readStreamOptions,
  readText,
} from './parameters.ts'
import { invalid } from './refusal.ts'
import { responseEvents } from './response-events.ts'
import { finishedResponse, type ResponseAnswer } from './response-object.ts'
import { structuredText } from './sample-json.ts'
import { countJsonTokens, countMessageTokens, countTokens } from './tokens.ts'
import { chooseTool } from './tool-choice.ts'

/** Answers a response. Throws Refused for a wrong parameter. */
export function answerResponse(asked: Asked): Answer {
  const { body, behaviour } = asked
  const items = readInput(body)
  const { includeObfuscation } = readStreamOptions(body)
  const tokensMax = readInteger(body, 'max_output_tokens', { min: 1, max: 10_000_000 }) ?? null
  const tool = chooseTool(body)
  const fixed = tool?.arguments ?? structuredText(isObject(body['text']) ? body['text']['format'] : null)
  const said = behaviour.extra.includes('huge')
    ? hugeText()
    : fixed === null
      ? writeAnswer({ heard: lastUserText(items), words: behaviour.words, tokensMax, variant: 0 })
      : cutText(fixed, tokensMax)
  const instructions = readText(body, 'instructions') ?? null
  const prompt = countMessageTokens(items) + countTokens(instructions ?? '') + countJsonTokens(body['tools'])
  const answer: ResponseAnswer = {
    said,
    itemId: `${tool === null ? 'msg' : 'fc'}_${asked.seed}`,
    tool: tool === null ? null : { ...tool, callId: `call_${asked.seed}` },
    bill: makeBill(prompt, said.tokens, behaviour),
    usageKnown: behaviour.usage === 'reported',
    frame: frameOf(asked, { instructions, tokensMax }),
  }
  const stream = readFlag(body, 'stream')
  return {
    bill: answer.bill,
    json: () => finishedResponse(answer),
    events: stream ? () => responseEvents(answer, includeObfuscation) : null,
  }
}

function readInput(body: Body): readonly unknown[] {
  const input = body['input'] ?? undefined
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  if (Array.isArray(input)) return input
  if (input !== undefined) {
    throw invalid(
      "Invalid type for 'input': expected a string or an array of items.",
      'input',
      'invalid_type',
    )
  }
  // A stored prompt, or the rest of a conversation, may stand in for the input.
  if (isObject(body['prompt']) || typeof body['previous_response_id'] === 'string') return []
  throw missing('input')
}

function frameOf(
  { body, seed, model, createdS }: Asked,
  { instructions, tokensMax }: { instructions: string | null; tokensMax: number | null },
): Readonly<Record<string, unknown>> {
  return {
    id: `resp_${seed}`,
    object: 'response',
    created_at: createdS,
    background: false,
    instructions,
    max_output_tokens: tokensMax,
    metadata: body['metadata'] ?? {},
    model: answeredModel(model),
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    previous_response_id: body['previous_response_id'] ?? null,
    reasoning: { effort: null, summary: null },
    service_tier: answeredTier(body),
    store: body['store'] ?? true,
    temperature: body['temperature'] ?? 1,
    text: body['text'] ?? { format: { type: 'text' } },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: body['tools'] ?? [],
    top_p: body['top_p'] ?? 1,
    truncation: body['truncation'] ?? 'disabled',
    user: body['user'] ?? null,
  }
}
