/**
 * Proxy key → caller. Unknown, malformed and mistyped keys get one and the same answer; what is wrong with a
 * known key is told only to whoever holds it.
 */
import { callerOf } from '@headgate/domain/caller'
import { GatewayError } from '@headgate/domain/gateway-error'
import { isWellFormedKey, keyFault } from '@headgate/domain/proxy-key'
import type { InboundRequest } from '../message/inbound-request.ts'
import type { Authenticated, Identified } from './call.ts'
import type { Gateway } from './gateway.ts'

/** Who calls? @throws GatewayError `key_missing`, `key_invalid` */
export async function identify<R extends { readonly request: InboundRequest }>(
  received: R,
  gateway: Gateway,
): Promise<Identified<R>> {
  const key = presentedKey(received.request)
  // The checksum turns junk away before any store is asked.
  if (!isWellFormedKey(key)) throw new GatewayError('key_invalid')
  const found = gateway.keys.find(gateway.digest(key))
  const record = found instanceof Promise ? await found : found
  if (record === null) throw new GatewayError('key_invalid')
  return { ...received, caller: callerOf(record) }
}

/**
 * May the key be used now? A step of its own, so that what a revoked or expired key still tried is recorded
 * under its name. @throws GatewayError `key_expired`, `key_revoked`, `key_disabled`
 */
export function authenticate<R extends Identified<unknown>>(
  identified: R,
  gateway: Gateway,
): Authenticated<R> {
  const nowMs = gateway.clock.nowMs()
  const fault = keyFault(identified.caller.key, nowMs)
  if (fault !== null) throw new GatewayError(fault)
  return { ...identified, authenticatedAtMs: nowMs }
}

/** The key as sent: OpenAI's bearer form or Azure's `api-key`; both only when they agree. */
function presentedKey(request: InboundRequest): string {
  const { authorization, apiKey } = request.head
  if (authorization === null && apiKey === null) throw new GatewayError('key_missing')
  const bearer = authorization === null ? null : bearerToken(authorization)
  if (bearer !== null && apiKey !== null && bearer !== apiKey) {
    throw new GatewayError('key_invalid', { public: 'Two different keys were sent. Send one.' })
  }
  return bearer ?? apiKey ?? ''
}

function bearerToken(authorization: string): string {
  if (/^bearer /i.test(authorization)) return authorization.slice(7)
  throw new GatewayError('key_invalid', { public: 'Send the key as "Authorization: Bearer hg_…".' })
}
