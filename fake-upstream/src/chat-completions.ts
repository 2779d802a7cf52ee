/**
 * Chat completions: reads a request, writes the choices, and shapes them as one `chat.completion`. The stream of
 * the same choices is in chat-events.ts.
 */
import type { Answer, Asked } from './answer.ts'
import { cutText, hugeText, lastUserText, writeAnswer } from './answer-text.ts'
import { CATEGORIES_SAFE, promptFilterResults } from './azure-filter.ts'
import { completionUsage, makeBill } from './bill.ts'
import { type ChatAnswer, type ChatChoice, chatEvents } from './chat-events.ts'
import { answeredModel } from './demo-models.ts'
import {
  answeredTier,
  type Body,
  isObject,
  missing,
  readFlag,
  readInteger,
  readList,
  readStreamOptions,
} from './parameters.ts'
import { invalid } from './refusal.ts'
import { structuredText } from './sample-json.ts'
import { countJsonTokens, countMessageTokens } from './tokens.ts'
import { chooseTool } from './tool-choice.ts'

const TOKENS_MAX = { min: 1, max: 10_000_000 }

/** Answers a chat completion. Throws Refused for a wrong parameter. */
export function answerChatCompletion(asked: Asked): Answer {
  const { body, behaviour } = asked
  const messages = readMessages(body)
  const options = readStreamOptions(body)
  const stream = readFlag(body, 'stream')
  const choices = writeChoices(asked, messages)
  const prompt = countMessageTokens(messages) + countJsonTokens(body['tools'])
  const completion = choices.reduce((sum, choice) => sum + choice.said.tokens, 0)
  const chat: ChatAnswer = {
    id: `chatcmpl-${asked.seed}`,
    model: answeredModel(asked.model),
    createdS: asked.createdS,
    choices,
    bill: makeBill(prompt, completion, behaviour),
    filtered: asked.style !== 'openai' || behaviour.extra.includes('azure-filter'),
    usageKnown: behaviour.usage === 'reported',
    serviceTier: answeredTier(body),
  }
  const events = stream ? () => chatEvents(chat, { ...options, extra: behaviour.extra }) : null
  return { bill: chat.bill, json: () => chatObject(chat), events }
}

function readMessages(body: Body): readonly unknown[] {
  const messages = readList(body, 'messages')
  if (messages === undefined) throw missing('messages')
  if (messages.length === 0) {
    throw invalid(
      "Invalid 'messages': empty array. Expected at least one message.",
      'messages',
      'empty_array',
    )
  }
  for (const [index, message] of messages.entries()) {
    if (isObject(message) && typeof message['role'] === 'string') continue
    const param = `messages[${index}].role`
    throw invalid(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter')
  }
  return messages
}

function writeChoices(asked: Asked, messages: readonly unknown[]): readonly ChatChoice[] {
  const { body, behaviour } = asked
  const count = readInteger(body, 'n', { min: 1, max: 128 }) ?? 1
  const tokensMax =
    readInteger(body, 'max_completion_tokens', TOKENS_MAX) ??
    readInteger(body, 'max_tokens', TOKENS_MAX) ??
    null
  const tool = chooseTool(body)
  const fixed = tool?.arguments ?? structuredText(body['response_format'])
  const heard = lastUserText(messages)
  return Array.from({ length: count }, (_, variant): ChatChoice => {
    const said = behaviour.extra.includes('huge')
      ? hugeText()
      : fixed === null
        ? writeAnswer({ heard, words: behaviour.words, tokensMax, variant })
        : cutText(fixed, tokensMax)
    const finished = tool !== null && !tool.named ? 'tool_calls' : 'stop'
    return {
      said,
      tool: tool === null ? null : { ...tool, id: `call_${asked.seed}${variant}` },
      finishReason: said.limited ? 'length' : finished,
    }
  })
}

function chatObject(chat: ChatAnswer): unknown {
  const filterResults = chat.filtered ? { content_filter_results: CATEGORIES_SAFE } : {}
  return {
    id: chat.id,
    object: 'chat.completion',
    created: chat.createdS,
    model: chat.model,
    ...(chat.filtered ? { prompt_filter_results: promptFilterResults() } : {}),
    choices: chat.choices.map((choice, index) => ({
      index,
      message: messageObject(choice),
      logprobs: null,
      finish_reason: choice.finishReason,
      ...filterResults,
    })),
    ...(chat.usageKnown ? { usage: completionUsage(chat.bill) } : {}),
    service_tier: chat.serviceTier,
    system_fingerprint: 'fp_fake000001',
  }
}

function messageObject({ said, tool }: ChatChoice): unknown {
  const message = {
    role: 'assistant',
    content: tool === null ? said.text : null,
    refusal: null,
    annotations: [],
  }
  if (tool === null) return message
  const call = { id: tool.id, type: 'function', function: { name: tool.name, arguments: said.text } }
  return { ...message, tool_calls: [call] }
}
