/** What a policy refuses, told of the call at hand: which of its fields asked for too much is read from its body. */
import type { GatewayError } from '@headgate/domain/gateway-error'
import type { Refusal } from '@headgate/domain/policy'
import * as refusals from '@headgate/domain/policy-refusal'
import type { ShadowRefusal } from '@headgate/domain/usage-record'
import { ceilingAsked, choicesAsked } from '../endpoints/endpoint.ts'
import type { ReceivedLocally, Routed } from './call.ts'

type Call = Pick<ReceivedLocally, 'endpoint'> | Routed

/** The error for the caller. */
export function policyError(refusal: Refusal, call: Call): GatewayError {
  return refusals.policyError(refusal, asRefused(call))
}

/** The same as a shadow policy would have refused it, for the usage record. */
export function shadowRefusalOf(refusal: Refusal, call: Call): ShadowRefusal {
  return refusals.shadowRefusalOf(refusal, asRefused(call))
}

function asRefused(call: Call): refusals.RefusedCall {
  const endpoint = call.endpoint.name
  if (!('alias' in call)) return { endpoint, model: null, outputField: null, choicesField: null }
  return {
    ...{ endpoint, model: call.alias.name },
    outputField: ceilingAsked(call.endpoint, call.body)?.field ?? null,
    choicesField: choicesAsked(call.endpoint, call.body)?.field ?? null,
  }
}
