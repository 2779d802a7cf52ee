/**
 * The text of a request that a provider bills, taken out of its body: messages, instructions, tools, prompts. What
 * is no text for the model (names of types, ids, addresses) is left out, and pictures, sound and files stand for a
 * figure each, since their bytes say nothing about their tokens.
 */
import type { EndpointName } from '@headgate/domain/endpoint'
import { INLINE_FILE_BYTES } from '../message/json-scan.ts'
import { INLINE_FILE_TOKENS } from './endpoint.ts'

/** What a provider puts round each message, and before the answer. */
const MESSAGE_TOKENS = 3
const ANSWER_TOKENS = 3
/** A picture that is looked at from afar, whatever its size. */
const LOW_DETAIL_TOKENS = 85

/** Top-level fields that hold what the model reads. */
const READ = ['instructions', 'messages', 'input', 'prompt', 'suffix'] as const
/** Top-level fields that are shown to the model as JSON. */
const SHOWN = ['tools', 'functions'] as const
const UNREAD: ReadonlySet<string> = new Set(
  'type id call_id tool_call_id item_id file_id status detail format encrypted_content annotations logprobs'.split(
    ' ',
  ),
)
const FILES: ReadonlySet<string> = new Set(
  'image_url input_image image file input_file input_audio audio computer_screenshot'.split(' '),
)

export type PromptText = {
  readonly texts: readonly string[]
  /** Tokens that stand for no text: the frame of messages, pictures, what is given as tokens already. */
  readonly fixedTokens: number
}

type Json = Readonly<Record<string, unknown>>

/** @param body as the caller sent it, parsed; anything that is no object holds nothing */
export function promptText(endpoint: EndpointName, body: unknown): PromptText {
  const walk = new Walk(endpoint === 'chat.completions' || endpoint === 'responses')
  if (!isObject(body)) return walk
  for (const field of READ) walk.read(body[field], field)
  for (const field of SHOWN) walk.show(body[field])
  walk.show(schemaOf(body['response_format']))
  walk.show(schemaOf(isObject(body['text']) ? body['text']['format'] : undefined))
  walk.end()
  return walk
}

/** The schema that an answer is to follow; plain text and plain JSON are asked for without one. */
function schemaOf(format: unknown): unknown {
  return isObject(format) && format['type'] === 'json_schema' ? (format['json_schema'] ?? format) : undefined
}

class Walk implements PromptText {
  readonly texts: string[] = []
  fixedTokens = 0
  readonly #framed: boolean

  /** @param framed whether texts are messages of a conversation */
  constructor(framed: boolean) {
    this.#framed = framed
  }

  read(value: unknown, field: (typeof READ)[number]): void {
    // A text that is no list of messages is one message, of the system or of the user.
    if (this.#framed && typeof value === 'string') this.#openMessage(field === 'input' ? 'user' : 'system')
    this.#take(value)
  }

  show(value: unknown): void {
    if (value !== undefined && value !== null) this.texts.push(JSON.stringify(value))
  }

  end(): void {
    if (this.#framed) this.fixedTokens += ANSWER_TOKENS
  }

  #openMessage(role: string): void {
    this.fixedTokens += MESSAGE_TOKENS
    this.texts.push(role)
  }

  #take(value: unknown): void {
    if (typeof value === 'string') this.#takeText(value)
    else if (typeof value === 'number') this.fixedTokens++
    else if (Array.isArray(value)) for (const item of value) this.#take(item)
    else if (isObject(value)) this.#takeObject(value)
  }

  #takeText(text: string): void {
    if (text.length > INLINE_FILE_BYTES && text.startsWith('data:')) this.fixedTokens += INLINE_FILE_TOKENS
    else this.texts.push(text)
  }

  #takeObject(value: Json): void {
    const { type, role } = value
    if (typeof type === 'string' && FILES.has(type)) {
      this.fixedTokens += isLowDetail(value) ? LOW_DETAIL_TOKENS : INLINE_FILE_TOKENS
      return
    }
    if (typeof role === 'string') this.#openMessage(role)
    for (const [name, inner] of Object.entries(value)) {
      if (name === 'role' || UNREAD.has(name)) continue
      // Numbers are tokens only where a whole prompt may be given as such.
      if (typeof inner !== 'number') this.#take(inner)
    }
  }
}

function isLowDetail(part: Json): boolean {
  const inner = part['image_url']
  return (isObject(inner) ? inner['detail'] : part['detail']) === 'low'
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
