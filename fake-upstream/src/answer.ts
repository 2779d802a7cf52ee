/**
 * An answer: what an endpoint gives back for a request that was understood. The same answer can be sent as one
 * JSON body or as a stream of events; either is built only when asked for.
 */

import type { ApiStyle } from './api-style.ts'
import type { Behaviour } from './behaviour.ts'
import type { Bill } from './bill.ts'
import type { Body } from './parameters.ts'

/** A request an endpoint can answer. */
export type Asked = {
  style: ApiStyle
  /** The name as received, in the body or as the deployment. */
  model: string
  body: Body
  behaviour: Behaviour
  /** Sixteen characters made of the call's number and the hash of its body; ids are built from it. */
  seed: string
  /** Unix seconds for `created`. */
  createdS: number
}

/** One server-sent event before it is written. */
export type StreamEvent = {
  /** Written as `event:`; null for a data-only event. */
  name: string | null
  data: string
  /** The visible text it adds to the answer, and that text's tokens. */
  text: string
  tokens: number
  /** Its part in the stream: before the text, the text, the end of the text, the bill, the last mark. */
  kind: 'open' | 'content' | 'finish' | 'usage' | 'done'
}

export type Answer = {
  /** What the whole answer costs. */
  bill: Bill
  json: () => unknown
  /** null when the request did not ask for a stream. */
  events: (() => Iterable<StreamEvent>) | null
}

/** The last event of chat completions and completions. */
export const DONE: StreamEvent = { name: null, data: '[DONE]', text: '', tokens: 0, kind: 'done' }
