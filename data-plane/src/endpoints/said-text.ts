/**
 * The text of an answer that a provider bills: what was said and refused, the names and arguments of calls of tools,
 * summaries of thinking. A stream brings it in pieces, for several places by turns; the pieces of a place come
 * together again here, since tokens go across them. Padding, sound and pictures are no text.
 */
import { parseEvent } from './event-stream.ts'

type Json = Readonly<Record<string, unknown>>

/** UTF-16 units; who says more is not counted. */
const TEXT_LENGTH_MAX = 4 * 1024 * 1024
/**
 * Nearly all events of a chat at OpenAI. No text of a model can look like it, since its quotes are escaped. Reading it
 * so costs a third of parsing the event.
 */
const PLAIN_PIECE = /"choices":\[\{"index":(\d+),"delta":\{"content":"((?:[^"\\]|\\.)*)"\}/
const PLAIN_LENGTH_MAX = 4096

/** The pieces of one text that came lately, and those before, put together. */
type Place = { readonly before: string[]; pieces: string[] }

export class SaidText {
  readonly #places = new Map<string, Place>()
  #length = 0

  /** Takes an event of a stream, or a whole answer, parsed. What says nothing adds nothing. */
  add(said: unknown): void {
    if (!isObject(said)) return
    if (Array.isArray(said['choices'])) for (const choice of said['choices']) this.#addChoice(choice)
    if (typeof said['type'] === 'string') this.#addDelta(said, said['type'])
    if (Array.isArray(said['output'])) this.#addOutput(said['output'])
  }

  /** Takes an event of a stream as it is written. */
  addEvent(event: string): void {
    const piece = event.length > PLAIN_LENGTH_MAX ? null : PLAIN_PIECE.exec(event)
    if (piece === null || event.includes('"delta"', piece.index + piece[0].length)) {
      if (event.includes('data:')) this.add(parseEvent(event))
      return
    }
    const [, index, text = ''] = piece
    this.#put(`${index} content`, text.includes('\\') ? unescaped(text) : text)
  }

  /** Puts pieces together: as long as they are alone, each may hold on to all the text that it was read out of. */
  join(): void {
    for (const place of this.#places.values()) {
      if (place.pieces.length === 0) continue
      place.before.push(place.pieces.join(''))
      place.pieces = []
    }
  }

  /** One text for each place; null when there is more than is counted. */
  texts(): string[] | null {
    if (this.#length > TEXT_LENGTH_MAX) return null
    return [...this.#places.values()].map(({ before, pieces }) => [...before, ...pieces].join(''))
  }

  /** Chat completions and completions, whole or as a piece of a stream. */
  #addChoice(choice: unknown): void {
    if (!isObject(choice)) return
    const at = String(choice['index'])
    this.#put(`${at} text`, choice['text'])
    const said = choice['delta'] ?? choice['message']
    if (!isObject(said)) return
    for (const field of ['content', 'refusal', 'reasoning_content']) this.#put(`${at} ${field}`, said[field])
    this.#addCall(`${at} function`, said['function_call'])
    if (!Array.isArray(said['tool_calls'])) return
    for (const [i, call] of said['tool_calls'].entries())
      if (isObject(call))
        this.#addCall(`${at} call ${call['index'] ?? i}`, call['function'] ?? call['custom'])
  }

  #addCall(at: string, call: unknown): void {
    if (!isObject(call)) return
    this.#put(`${at} name`, call['name'])
    this.#put(`${at} arguments`, call['arguments'] ?? call['input'])
  }

  /** Responses: what is added to a place of an item of the output. */
  #addDelta(event: Json, type: string): void {
    const { item_id, output_index, content_index, summary_index } = event as Record<string, unknown>
    if (type.endsWith('.delta') && !type.endsWith('audio.delta'))
      this.#put([type, item_id, output_index, content_index, summary_index].join(' '), event['delta'])
    else if (type === 'response.output_item.added' && isObject(event['item']))
      this.#put(`name ${output_index}`, event['item']['name'])
  }

  /** The output of a whole response. */
  #addOutput(output: readonly unknown[]): void {
    for (const [i, item] of output.entries()) {
      if (!isObject(item)) continue
      this.#addCall(`item ${i}`, item)
      for (const [j, part] of partsOf(item).entries()) {
        this.#put(`item ${i} ${j} text`, part['text'])
        this.#put(`item ${i} ${j} refusal`, part['refusal'])
      }
    }
  }

  #put(at: string, piece: unknown): void {
    if (typeof piece !== 'string' || piece === '') return
    this.#length += piece.length
    if (this.#length > TEXT_LENGTH_MAX) return
    const there = this.#places.get(at)
    if (there === undefined) this.#places.set(at, { before: [], pieces: [piece] })
    else there.pieces.push(piece)
  }
}

/** A text as JSON writes it; nothing where it is none, for what a provider sends must not throw. */
function unescaped(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return ''
  }
}

function partsOf({ content, summary }: Json): Json[] {
  return [content, summary].flatMap((it) => (Array.isArray(it) ? it.filter(isObject) : []))
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
