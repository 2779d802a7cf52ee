/**
 * Behaviour: how the fake acts on one call. The usual one answers at once and in full; each sentinel changes a
 * field or two (sentinels.ts), and several sentinels joined by `+` change several. Everything that makes a call
 * go wrong reads from here and nowhere else.
 */
/** The refusals a sentinel may ask for; failures.ts has their texts. */
export type FailureName =
  | 'bad-request'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'rate-limit'
  | 'rate-limit-bare'
  | 'quota'
  | 'server-error'
  | 'overloaded'
  | 'content-filter'
  | 'redirect'

/** What ends a stream early: silence, a destroyed socket, a proper end without its last events, or an error event. */
export type Break = 'stall' | 'cut' | 'end' | 'error'

/** Chunks a provider may send beside the ordinary ones. */
export type ExtraEvents = 'azure-filter' | 'empty-first-choices' | 'garbage' | 'not-json' | 'huge'

export type Behaviour = {
  /** Answer with this failure; null to answer properly. */
  failure: FailureName | null
  /** Only every nth call of the model fails (with `failure`); 1 means every call. */
  failEvery: number
  /** Sent as Retry-After and retry-after-ms with a 429. */
  retryAfterMs: number
  /** The socket is reset before the head. */
  reset: boolean
  /** Silence before the head; Infinity never answers. */
  headWaitMs: number
  /** Silence between the head and the first event of a stream. */
  firstEventWaitMs: number
  /** Silence before each content event of a stream. */
  gapMs: number
  /** Words of the answer beyond the echo of the question; null for the usual two dozen or so. */
  words: number | null
  /** How the stream breaks, and after how many events; 'finish' means just before the finish reason. */
  break: Break | null
  breakAfter: number | 'finish'
  /** How long a 'stall' lasts before the stream goes on; Infinity for ever. */
  stallMs: number
  lineEnd: '\n' | '\r\n'
  splitEvents: boolean
  extra: readonly ExtraEvents[]
  gzip: boolean
  /** What a JSON answer declares as its content-length. 'longer' is followed by a destroyed socket. */
  contentLength: 'right' | 'longer' | 'shorter' | 'text'
  usage: 'reported' | 'missing'
  exactUsage: { prompt: number; completion: number } | null
  cachedTokens: number | 'half'
  reasoningTokens: number
  /** Usage has cache writes, sound and pictures too. */
  everyKind: boolean
}

/** The behaviour of a model with no sentinel in its name. */
export const USUAL: Behaviour = Object.freeze({
  failure: null,
  failEvery: 1,
  retryAfterMs: 2000,
  reset: false,
  headWaitMs: 0,
  firstEventWaitMs: 0,
  gapMs: 0,
  words: null,
  break: null,
  breakAfter: 5,
  stallMs: Number.POSITIVE_INFINITY,
  lineEnd: '\n',
  splitEvents: false,
  extra: [],
  gzip: false,
  contentLength: 'right',
  usage: 'reported',
  exactUsage: null,
  cachedTokens: 0,
  reasoningTokens: 0,
  everyKind: false,
})

/** `base` changed by `change`; extra events add up instead of replacing each other. */
export function change(base: Behaviour, changed: Partial<Behaviour>): Behaviour {
  const extra = changed.extra === undefined ? base.extra : [...base.extra, ...changed.extra]
  return { ...base, ...changed, extra }
}
