/**
 * Azure's content filter: the fields it adds to answers, and, when it runs asynchronously, the extra chunks it
 * puts into a stream. Those have no `delta` and may come after the finish reason; a parser must not assume one.
 */
import type { StreamEvent } from './answer.ts'

const SAFE = Object.freeze({ filtered: false, severity: 'safe' })

/** The four categories, all found harmless. */
export const CATEGORIES_SAFE: Readonly<Record<string, unknown>> = Object.freeze({
  hate: SAFE,
  self_harm: SAFE,
  sexual: SAFE,
  violence: SAFE,
})

/** `prompt_filter_results` of an answer. */
export function promptFilterResults(): readonly unknown[] {
  const results = { ...CATEGORIES_SAFE, jailbreak: { filtered: false, detected: false } }
  return [{ prompt_index: 0, content_filter_results: results }]
}

/** The chunk that Azure sends first: no choices, an empty id and model, and what the filter says of the prompt. */
export function promptFilterEvent(includeUsage: boolean): StreamEvent {
  return filterEvent({ choices: [], prompt_filter_results: promptFilterResults() }, includeUsage)
}

/** Content events between two chunks of the asynchronous filter. */
const FILTER_INTERVAL = 3

/**
 * A chat stream as the asynchronous filter leaves it: after every third content event, and once more after the
 * finish reason, a chunk that says how far the filter has read.
 */
export function* withAsyncFilter(
  events: Iterable<StreamEvent>,
  includeUsage: boolean,
): Generator<StreamEvent> {
  let content = 0
  let checkedTo = 0
  let written = 0
  for (const event of events) {
    yield event
    written += event.text.length
    const due = event.kind === 'content' && ++content % FILTER_INTERVAL === 0
    if (!due && event.kind !== 'finish') continue
    yield offsetsEvent({ from: checkedTo, to: written }, includeUsage)
    checkedTo = written
  }
}

function offsetsEvent(read: { from: number; to: number }, includeUsage: boolean): StreamEvent {
  const choice = {
    index: 0,
    finish_reason: null,
    content_filter_results: CATEGORIES_SAFE,
    content_filter_offsets: { check_offset: read.from, start_offset: read.from, end_offset: read.to },
  }
  return filterEvent({ choices: [choice] }, includeUsage)
}

function filterEvent(fields: Readonly<Record<string, unknown>>, includeUsage: boolean): StreamEvent {
  const chunk = {
    id: '',
    object: '',
    created: 0,
    model: '',
    ...fields,
    ...(includeUsage ? { usage: null } : {}),
  }
  return { name: null, data: JSON.stringify(chunk), tokens: 0, text: '', kind: 'open' }
}
