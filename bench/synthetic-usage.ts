/**
 * Usage of a company that does not exist: 40 teams, 500 apps, some 1200 keys, 12 aliases at two deployments each.
 * A few apps make most of the calls, days have their busy hours, and one call in twenty is not served. The same
 * numbers give the same calls.
 */
import type { UsageRecord } from '@headgate/domain/usage-record'

const TEAMS = 40
const APPS = 500
const DAY_MS = 24 * 60 * 60 * 1000
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Chat models twice as often as embeddings; each app keeps to a few of them. */
const aliases = ['gpt-large', 'gpt-small', 'gpt-mini', 'reason', 'reason-mini', 'vision', 'code', 'fast'].map(
  (alias) => ({ alias, endpoint: 'chat-completions', outputTokens: 400 }),
)
const others = ['embed', 'embed-large', 'moderate', 'classic'].map((alias) => ({
  ...{ alias, endpoint: alias === 'moderate' ? 'moderations' : 'embeddings', outputTokens: 0 },
}))
const models = [...aliases, ...others]

const failures = [
  { status: 429, outcome: 'refused', errorCode: 'limit_tokens' },
  { status: 429, outcome: 'refused', errorCode: 'limit_requests' },
  { status: 403, outcome: 'refused', errorCode: 'model_not_allowed' },
  { status: 502, outcome: 'failed', errorCode: 'upstream_error' },
  { status: 499, outcome: 'aborted', errorCode: null },
] as const

/** A number from 0 to 1 for each whole number; equal for equal, without visible order. */
function chance(seed: number): number {
  let x = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b)
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b)
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32
}

/** An id as ours are, made of a number. */
function idOf(prefix: string, number: number, length = 26): string {
  let text = ''
  for (let rest = number; text.length < length; rest = Math.floor(rest / 32)) text = DIGITS[rest % 32] + text
  return `${prefix}_${text}`
}

export type Span = { readonly fromMs: number; readonly days: number; readonly calls: number }

/** Call number `n` of a span; later numbers are later calls. */
export function syntheticCall(n: number, span: Span): UsageRecord {
  const draw = (of: number) => chance(n * 16 + of)
  const app = Math.floor(APPS ** draw(0)) - 1
  const key = app * 4 + Math.floor(draw(1) ** 2 * (1 + (app % 4)))
  const model = models[(app + Math.floor(draw(2) ** 3 * 3)) % models.length] as (typeof models)[number]
  const failure = draw(3) < 0.05 ? (failures[Math.floor(draw(4) * failures.length)] ?? null) : null
  const isServed = failure?.outcome !== 'refused'
  const deployment = models.indexOf(model) * 2 + (draw(5) < 0.1 ? 1 : 0)
  const startedMs = Math.floor(span.fromMs + instantOf((n + 0.5) / span.calls, span.days))
  const input = isServed ? Math.floor(20 + 4000 * draw(6) ** 4) : 0
  const output = isServed ? Math.floor(model.outputTokens * 2 * draw(7) ** 2) : 0
  const firstByteMs = isServed ? Math.floor(80 * 12 ** draw(8)) : null
  const isPriced = isServed && model.alias !== 'classic'
  return {
    requestId: idOf('req', startedMs, 10) + idOf('', n, 16).slice(1),
    attempt: isServed ? 1 : 0,
    startedAt: new Date(startedMs).toISOString(),
    secretNumber: null,
    client: null,
    clientTag: null,
    keyId: idOf('key', key),
    userId: app % 5 === 0 ? idOf('usr', key) : null,
    appId: idOf('app', app),
    teamId: idOf('team', app % TEAMS),
    endpoint: model.endpoint,
    alias: model.alias,
    deploymentId: isServed ? idOf('dep', deployment) : null,
    resourceId: isServed ? idOf('res', deployment % 6) : null,
    upstreamModel: isServed ? model.alias : null,
    stream: model.outputTokens > 0,
    status: failure?.status ?? 200,
    outcome: failure?.outcome ?? 'succeeded',
    errorCode: failure?.errorCode ?? null,
    tokens: { input, cachedInput: Math.floor(input * 0.3 * draw(9)), output, reasoning: output >> 2 },
    usageDetails: null,
    serviceTier: null,
    agreementId: null,
    usageSource: isServed ? (failure === null ? 'reported' : 'estimated') : 'none',
    costNanos: isPriced ? input * 150 + output * 600 : null,
    costState: isPriced ? 'priced' : isServed ? 'unknown' : 'none',
    currency: isPriced ? 'USD' : null,
    priceId: isPriced ? idOf('pri', deployment) : null,
    requestBytes: 200 + input * 4,
    replyBytes: 300 + output * 5,
    overheadMicros: Math.floor(300 * 20 ** draw(10)),
    firstByteMs,
    totalMs: (firstByteMs ?? 1) + output * 12,
    catalogVersion: 7,
    upstreamRequestId: isServed ? idOf('up', n, 20) : null,
    shadowRefusal: null,
  }
}

/** Where in the span a share of its calls has been made: busy around noon, three times as quiet at night. */
function instantOf(share: number, days: number): number {
  const day = Math.floor(share * days)
  const rest = share * days - day
  return (day + rest - Math.sin(2 * Math.PI * rest) / (4 * Math.PI)) * DAY_MS
}
