/**
 * Sentinels: words that, written as the model (or as the Azure deployment name), make the fake fail, stall or
 * misbehave. A name matches when it is the sentinel or begins with it and a dash; what follows may be a number,
 * or a duration (`-500ms`, `-2s`, `-1m`). `+` joins several: `split-events+cached-40+reasoning-8`.
 */
import { type Behaviour, change, USUAL } from './behaviour.ts'

/** What stood behind the sentinel's name: at most one duration, and plain numbers in their order. */
type Suffix = { ms: number | null; numbers: readonly number[] }

export type Sentinel = {
  name: string
  about: string
  behave: (suffix: Suffix) => Partial<Behaviour>
}

const FOR_EVER = Number.POSITIVE_INFINITY
const LONG_STREAM_GAP_MS = 250

const FAILURES: readonly Sentinel[] = [
  { name: 'fail-400', about: '400, a wrong parameter', behave: () => ({ failure: 'bad-request' }) },
  { name: 'fail-401', about: '401, the key is wrong', behave: () => ({ failure: 'unauthorized' }) },
  { name: 'fail-403', about: '403, the key may not do this', behave: () => ({ failure: 'forbidden' }) },
  { name: 'fail-404', about: '404, no such model or deployment', behave: () => ({ failure: 'not-found' }) },
  {
    name: 'fail-429',
    about: '429 with Retry-After and retry-after-ms (2 s, or the duration: fail-429-500ms)',
    behave: ({ ms }) => ({ failure: 'rate-limit', retryAfterMs: ms ?? 2000 }),
  },
  { name: 'fail-429-bare', about: '429 without Retry-After', behave: () => ({ failure: 'rate-limit-bare' }) },
  {
    name: 'fail-quota',
    about: '429, no money left (insufficient_quota)',
    behave: () => ({ failure: 'quota' }),
  },
  { name: 'fail-500', about: '500, server error', behave: () => ({ failure: 'server-error' }) },
  { name: 'fail-503', about: '503, overloaded', behave: () => ({ failure: 'overloaded' }) },
  {
    name: 'fail-every',
    about: 'every third call is a 500 (fail-every-5: every fifth), the others are good',
    behave: ({ numbers }) => ({ failure: 'server-error', failEvery: Math.max(1, numbers[0] ?? 3) }),
  },
  {
    name: 'content-filter',
    about: '400 content_filter in the shape of Azure; the prompt is billed',
    behave: () => ({ failure: 'content-filter' }),
  },
  { name: 'redirect', about: '302 to another host', behave: () => ({ failure: 'redirect' }) },
]

const SILENCES: readonly Sentinel[] = [
  {
    name: 'stall',
    about: 'never answers, not even the head (stall-5s: for that long)',
    behave: ({ ms }) => ({ headWaitMs: ms ?? FOR_EVER }),
  },
  {
    name: 'slow-first-byte',
    about: 'the head comes after 2 s (slow-first-byte-500ms: after that long)',
    behave: ({ ms }) => ({ headWaitMs: ms ?? 2000 }),
  },
  {
    name: 'slow-first-event',
    about: 'the head comes at once, the first event of a stream after 2 s (or the duration)',
    behave: ({ ms }) => ({ firstEventWaitMs: ms ?? 2000 }),
  },
  {
    name: 'slow-events',
    about: '20 ms between content events (slow-events-100ms: that long)',
    behave: ({ ms }) => ({ gapMs: ms ?? 20 }),
  },
  {
    name: 'stall-mid-stream',
    about:
      '5 events, then silence for ever (stall-mid-stream-3-2s: 3 events, 2 s, then the rest); JSON: half the body',
    behave: ({ ms, numbers }) => ({ break: 'stall', breakAfter: numbers[0] ?? 5, stallMs: ms ?? FOR_EVER }),
  },
  {
    name: 'long-stream',
    about: 'a stream that lasts 60 s (long-stream-10s: that long), an event every 250 ms or oftener',
    behave: ({ ms }) => {
      const gapMs = Math.min(LONG_STREAM_GAP_MS, (ms ?? 60_000) / 10)
      return { gapMs, words: gapMs === 0 ? 0 : Math.round((ms ?? 60_000) / gapMs) }
    },
  },
]

const CUTS: readonly Sentinel[] = [
  {
    name: 'cut-mid-stream',
    about: 'the socket is destroyed after 5 events (cut-mid-stream-2: after 2); JSON: after half the body',
    behave: ({ numbers }) => ({ break: 'cut', breakAfter: numbers[0] ?? 5 }),
  },
  {
    name: 'cut-clean',
    about: 'the stream ends properly, but without finish_reason and [DONE] (cut-clean-2: after 2 events)',
    behave: ({ numbers }) => ({ break: 'end', breakAfter: numbers[0] ?? 'finish' }),
  },
  {
    name: 'cut-json',
    about: 'content-length says more than is sent, then the socket is destroyed',
    behave: () => ({ contentLength: 'longer' }),
  },
  {
    name: 'bad-content-length',
    about: 'content-length says 20 bytes less than is sent; bytes are left over on the connection',
    behave: () => ({ contentLength: 'shorter' }),
  },
  {
    name: 'bad-content-length-text',
    about: 'content-length is not a number',
    behave: () => ({ contentLength: 'text' }),
  },
  { name: 'early-reset', about: 'the socket is reset before the head', behave: () => ({ reset: true }) },
  {
    name: 'error-in-stream',
    about:
      'a 200 stream carries an error event after 3 events and ends (error-in-stream-1: after 1); JSON: 500',
    behave: ({ numbers }) => ({ break: 'error', breakAfter: numbers[0] ?? 3 }),
  },
]

const SHAPES: readonly Sentinel[] = [
  {
    name: 'garbage-events',
    about:
      'invalid UTF-8, comments, CRLF endings, data in several lines, unknown event names; then a proper end',
    behave: () => ({ extra: ['garbage'] }),
  },
  {
    name: 'garbage-json',
    about: 'one event without data, and one whose data is not JSON',
    behave: () => ({ extra: ['not-json'] }),
  },
  {
    name: 'azure-filter',
    about:
      'asynchronous filter of Azure: chunks with prompt_filter_results, chunks without delta, also after the finish',
    behave: () => ({ extra: ['azure-filter'] }),
  },
  {
    name: 'empty-first-choices',
    about: 'the first chunk has choices: []',
    behave: () => ({ extra: ['empty-first-choices'] }),
  },
  {
    name: 'split-events',
    about: 'each event arrives in two halves, cut at varying bytes, also inside characters',
    behave: () => ({ splitEvents: true }),
  },
  { name: 'crlf-events', about: 'lines end with CRLF', behave: () => ({ lineEnd: '\r\n' }) },
  {
    name: 'huge-event',
    about: 'one event (or JSON answer) with 1 MiB of text',
    behave: () => ({ extra: ['huge'] }),
  },
  { name: 'gzip', about: 'the answer is gzip-encoded although nobody asked', behave: () => ({ gzip: true }) },
]

const USAGES: readonly Sentinel[] = [
  { name: 'no-usage', about: 'usage is missing, in JSON and stream', behave: () => ({ usage: 'missing' }) },
  {
    name: 'reasoning',
    about: 'usage has 64 reasoning tokens (reasoning-8: 8), added to the completion',
    behave: ({ numbers }) => ({ reasoningTokens: numbers[0] ?? 64 }),
  },
  {
    name: 'cached',
    about: 'half the prompt is cached tokens (cached-40: 40 of them)',
    behave: ({ numbers }) => ({ cachedTokens: numbers[0] ?? 'half' }),
  },
  {
    name: 'every-kind',
    about: 'usage has cache writes, sound and pictures too (responses: cache writes)',
    behave: () => ({ everyKind: true }),
  },
  {
    name: 'usage',
    about: 'usage-<prompt>-<completion>: exactly these numbers',
    behave: ({ numbers: [prompt, completion] }) =>
      prompt === undefined || completion === undefined ? {} : { exactUsage: { prompt, completion } },
  },
]

/** Every sentinel, in the order in which the README lists them. */
export const SENTINELS: readonly Sentinel[] = [...FAILURES, ...SILENCES, ...CUTS, ...SHAPES, ...USAGES]

/** Longest first, so that `fail-429-bare` is not taken for `fail-429`. */
const LONGEST_FIRST = SENTINELS.toSorted((a, b) => b.name.length - a.name.length)

/** How a call to `model` goes: the usual way, changed by each sentinel in the name. */
export function behaviourOf(model: string, base: Behaviour = USUAL): Behaviour {
  let behaviour = base
  for (const name of model.split('+')) {
    const sentinel = LONGEST_FIRST.find((row) => name === row.name || name.startsWith(`${row.name}-`))
    if (sentinel === undefined) continue
    behaviour = change(behaviour, sentinel.behave(readSuffix(name.slice(sentinel.name.length))))
  }
  return behaviour
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

function readSuffix(suffix: string): Suffix {
  const numbers: number[] = []
  let ms: number | null = null
  for (const part of suffix.split('-')) {
    const match = /^(\d{1,9})(ms|s|m)?$/.exec(part)
    if (match === null) continue
    const unit = match[2]
    if (unit === undefined) numbers.push(Number(match[1]))
    else ms = Number(match[1]) * (UNIT_MS[unit] ?? 1)
  }
  return { ms, numbers }
}
