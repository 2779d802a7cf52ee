/**
 * Tries the candidates in order until one answers. All branching about upstream answers is here: what may be
 * tried elsewhere, what passes to the caller, and what becomes an error of ours. Nothing is retried once a
 * byte has reached the caller, and a call is never sent more than four times.
 */
import type { ServingDeployment } from '@headgate/domain/catalog'
import { GatewayError } from '@headgate/domain/gateway-error'
import { redact } from '@headgate/domain/redaction'
import type { Secret } from '@headgate/domain/secret-ref'
import { fieldValue, type Splice, spliceBody } from '../message/body.ts'
import type { Tried } from '../message/inbound-request.ts'
import { UpstreamTimeout } from '../upstreams/exchange.ts'
import { upstreams } from '../upstreams/index.ts'
import { ConnectFault } from '../upstreams/origin-pool.ts'
import type { ResponseHead } from '../upstreams/response-parser.ts'
import type { Answered, Reserved, UpstreamReply } from './call.ts'
import type { Gateway } from './gateway.ts'
import { reserveAlso } from './reserve.ts'
import { intentOf, priceNow, settleAttempt } from './settle.ts'

const ATTEMPTS_MAX = 4
/** Reference: semantics 2.8. A stream shows its head within a minute; a whole answer may take ten. */
const STREAM_TIMEOUTS = { headMs: 60_000, idleMs: 60_000, totalMs: 900_000 }
const JSON_TIMEOUTS = { headMs: 600_000, idleMs: 60_000, totalMs: 600_000 }
/** Answers after which another deployment may be tried. */
const PASSING_FAULTS = new Set([408, 409, 429, 500, 502, 503, 504])
/** Faults of this side, which another deployment would not mend. */
const FINAL_FAULTS: ReadonlySet<string> = new Set(['client_closed', 'journal_full'])

/** @throws GatewayError `upstream_*`, `client_closed` */
export async function callUpstream(call: Reserved, gateway: Gateway): Promise<Answered> {
  const count = Math.min(call.candidates.length, ATTEMPTS_MAX)
  let fault: GatewayError | null = null
  let attempt = 0
  for (let index = 0; index < count; index++) {
    const deployment = call.candidates[index] as ServingDeployment
    if (call.request.gone) throw new GatewayError('client_closed')
    if (index > 0 && !(await reserveAlso(call, deployment, gateway))) continue
    attempt += 1
    const price = priceNow(deployment, gateway)
    if (fault !== null) settleAttempt(call, fault, gateway)
    const account = gateway.usage.intend(intentOf(call, { deployment, price, attempt }))
    const load = gateway.loads.begin(deployment.id)
    call.request.load = load
    call.request.tried = { deployment, price, attempt, account }
    try {
      const upstream = await send(call, call.request.tried, gateway)
      fault = faultOf(upstream.head)
      if (upstream.head.status < 300) load.answered(upstream.headAtMs - upstream.sentAtMs)
      if (fault === null) return { ...call, deployment, price, upstream }
      load.failed()
      upstream.exchange.discard()
      if (fault.code === 'upstream_auth') {
        gateway.log.credentialRefused(deployment.resource.name, upstream.head.status)
      }
      if (!PASSING_FAULTS.has(upstream.head.status)) break
    } catch (error) {
      fault = call.request.gone ? new GatewayError('client_closed') : brokenOff(error)
      if (FINAL_FAULTS.has(fault.code)) break
      load.failed()
    }
  }
  throw fault ?? new GatewayError('no_healthy_deployment')
}

async function send(
  call: Reserved,
  { deployment, attempt, account }: Tried,
  gateway: Gateway,
): Promise<UpstreamReply> {
  const { resource } = deployment
  const upstream = upstreams[resource.apiStyle]
  const path = upstream.path(call.endpoint, deployment, call.request.query)
  if (path === null) throw new GatewayError('endpoint_not_offered')
  const found = gateway.secrets.resolve(resource.secretRef)
  const secret: Secret = found instanceof Promise ? await found : found
  const [credentialName, credential] = upstream.credential(secret.reveal())
  const { request } = call
  const { hop } = request.head
  // Joined by concat: a spread within a list goes through an iterator, on every call.
  const headers = ['content-type', 'application/json', 'accept-encoding', 'identity'].concat(
    request.head.forward,
    ['x-request-id', request.id],
    ['x-headgate-hop', hop === null ? gateway.instanceId : `${hop},${gateway.instanceId}`],
    [credentialName, credential],
  )
  const body = spliceBody(call.body, splicesFor(call, deployment))
  const sentAtMs = gateway.clock.monotonicMs()
  const timeouts = call.stream ? STREAM_TIMEOUTS : JSON_TIMEOUTS
  const exchange = gateway.connections.send({
    origin: resource.origin,
    method: 'POST',
    path,
    headers,
    body,
    timeouts,
    account,
  })
  request.whenGone(() => exchange.cancel(new GatewayError('client_closed')))
  const head = await exchange.head
  return { exchange, head, attempt, sentAtMs, headAtMs: gateway.clock.monotonicMs() }
}

/** What changes in the body for this deployment: the model's real name, a cap, and usage asked for in streams. */
function splicesFor(call: Reserved, deployment: ServingDeployment): Splice[] {
  const splices: Splice[] = [...call.capSplices]
  if (call.bodyModel !== deployment.upstreamModel)
    splices.push({ field: 'model', json: JSON.stringify(deployment.upstreamModel) })
  if (call.stream && call.endpoint.streamUsage === 'on-request' && !call.asksUsage) {
    const options = fieldValue(call.body, 'stream_options')
    const kept = typeof options === 'object' && options !== null ? options : {}
    splices.push({ field: 'stream_options', json: JSON.stringify({ ...kept, include_usage: true }) })
  }
  return splices
}

/** The error of ours an upstream status stands for; null when its answer passes to the caller as it is. */
function faultOf(head: ResponseHead): GatewayError | null {
  const { status } = head
  const internal = `upstream answered ${status}`
  if (status >= 200 && status < 300) return null
  if (status < 400) return new GatewayError('upstream_error', { internal })
  if (status === 401 || status === 403) return new GatewayError('upstream_auth', { internal })
  if (status === 408 || status === 504) return new GatewayError('upstream_timeout', { internal })
  if (status === 429) return new GatewayError('upstream_quota', { internal, ...retryAfter(head) })
  if (status === 503) return new GatewayError('upstream_capacity', { internal, ...retryAfter(head) })
  return status >= 500 ? new GatewayError('upstream_error', { internal, ...retryAfter(head) }) : null
}

/** The provider's wait, believed only when it is a sane number. */
function retryAfter(head: ResponseHead): { retryAfterMs: number } {
  const ms = Number(head.headers['retry-after-ms'] ?? Number.NaN)
  const seconds = Number(head.headers['retry-after'] ?? Number.NaN)
  const waitMs = Number.isFinite(ms) ? ms : seconds * 1000
  return { retryAfterMs: waitMs > 0 && waitMs <= 3_600_000 ? waitMs : 1000 }
}

function brokenOff(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  const internal = redact(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  const late = error instanceof UpstreamTimeout || (error instanceof ConnectFault && error.timedOut)
  const code = late ? 'upstream_timeout' : 'upstream_error'
  return new GatewayError(code, { internal, cause: error, retryAfterMs: 1000 })
}
