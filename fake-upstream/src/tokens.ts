/**
 * Tokens, counted by a rule simple enough to do in one's head: a token is four bytes of UTF-8, rounded up.
 * No real tokenizer agrees with it, and none needs to: accounting tests compare our numbers with our numbers.
 */

/** What one message costs beside its text, and what an image part costs. */
const TOKENS_PER_MESSAGE = 3
const TOKENS_PER_IMAGE = 85

/** The tokens of `text`: its UTF-8 bytes divided by four, rounded up; 0 for the empty text. */
export function countTokens(text: string): number {
  return tokensOfBytes(Buffer.byteLength(text))
}

/** The tokens of that many bytes of text. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / 4)
}

/** The tokens of anything that is not plain text (tool schemas, tool calls): those of its JSON; 0 for nothing. */
export function countJsonTokens(value: unknown): number {
  return value === undefined || value === null ? 0 : countTokens(JSON.stringify(value))
}

/**
 * The tokens of a list of messages (chat) or input items (responses): 3 for each, its text, 85 for each image.
 * `content` may be a text or a list of parts; tool calls and tool outputs count as their JSON or text.
 */
export function countMessageTokens(messages: readonly unknown[]): number {
  let tokens = 0
  for (const message of messages) {
    tokens += TOKENS_PER_MESSAGE
    if (typeof message !== 'object' || message === null) continue
    const { content, tool_calls, output, arguments: called } = message as Record<string, unknown>
    tokens += countContentTokens(content) + countJsonTokens(tool_calls)
    if (typeof output === 'string') tokens += countTokens(output)
    if (typeof called === 'string') tokens += countTokens(called)
  }
  return tokens
}

function countContentTokens(content: unknown): number {
  if (typeof content === 'string') return countTokens(content)
  if (!Array.isArray(content)) return 0
  let tokens = 0
  for (const part of content) {
    if (typeof part === 'string') tokens += countTokens(part)
    else if (typeof part?.text === 'string') tokens += countTokens(part.text)
    else tokens += TOKENS_PER_IMAGE
  }
  return tokens
}

/** The tokens of a `prompt` or `input` already cut into pieces: texts by their bytes, lists of token ids by length. */
export function countInputTokens(inputs: readonly (string | readonly number[])[]): number {
  let tokens = 0
  for (const input of inputs) tokens += typeof input === 'string' ? countTokens(input) : input.length
  return tokens
}
