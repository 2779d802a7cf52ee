/** May this caller make this call, by all policies that hold for it, and how much will the call weigh? Pure. */
import type { ServingDeployment } from '@headgate/domain/catalog'
import { longestAnswer } from '@headgate/domain/model-entry'
import { decide, judgeEndpoint, type Question, type Rules } from '@headgate/domain/policy'
import type { ShadowRefusal } from '@headgate/domain/usage-record'
import { ceilingAsked, choicesAsked, estimateTokens } from '../endpoints/endpoint.ts'
import type { Splice } from '../message/body.ts'
import type {
  Authenticated,
  Authorized,
  AuthorizedLocally,
  Candidates,
  Identified,
  ReceivedLocally,
  Routed,
} from './call.ts'
import { policyError, shadowRefusalOf } from './policy-error.ts'

const unchanged: readonly Splice[] = []

/** @throws GatewayError of the codes a policy may refuse with */
export function authorize(call: Routed): Authorized {
  const { enforced, shadow } = call.catalog.standing(call.caller.key)
  const { endpoint, body } = call
  const outputTokensMax = enforced?.outputTokens?.max ?? null
  const estimate = estimateTokens(endpoint, body, longestAnswer(outputTokensMax, call.candidates))
  if (enforced === null && shadow === null) {
    return { ...call, estimate, capSplices: unchanged, shadowRefusal: null }
  }
  const question = questionOf(call, estimate.input)
  const decision = decide(enforced, question)
  if (!decision.allowed) throw policyError(decision.refusal, call)
  // At least one is left: a call without any was refused.
  const candidates = decision.candidates as Candidates
  const capSplices = question.outputTokens === null ? capInto(call, outputTokensMax) : unchanged
  // Asked of the candidates that are left, so that whatever refuses them now is a shadow policy.
  const shadowRefusal = shadowOf(shadow, { ...question, candidates }, call)
  return { ...call, candidates, estimate, capSplices, shadowRefusal }
}

/** The same for what the gateway answers itself: here only the endpoint is asked for. @throws GatewayError */
export function authorizeLocally(call: Authenticated<Identified<ReceivedLocally>>): AuthorizedLocally {
  const { enforced, shadow } = call.catalog.standing(call.caller.key)
  const refusal = judgeEndpoint(enforced, call.endpoint.name)
  if (refusal !== null) throw policyError(refusal, call)
  const wouldBe = judgeEndpoint(shadow, call.endpoint.name)
  return { ...call, shadowRefusal: wouldBe === null ? null : shadowRefusalOf(wouldBe, call) }
}

function questionOf(call: Routed, inputTokens: number): Question<ServingDeployment> {
  const { endpoint, body } = call
  return {
    endpoint: endpoint.name,
    model: call.alias.name,
    candidates: call.candidates,
    requestBytes: body.bytes.length,
    inputTokens,
    outputTokens: ceilingAsked(endpoint, body)?.count ?? null,
    choices: choicesAsked(endpoint, body)?.count ?? 1,
  }
}

/** A caller without a ceiling gets the cap as its ceiling, where the provider would go beyond it. */
function capInto({ endpoint }: Routed, outputTokensMax: number | null): readonly Splice[] {
  const [field] = endpoint.outputFields
  if (outputTokensMax === null || field === undefined) return unchanged
  const unsaid = endpoint.unsaidOutputTokens
  if (unsaid !== null && unsaid <= outputTokensMax) return unchanged
  return [{ field, json: String(outputTokensMax) }]
}

function shadowOf(
  shadow: Rules | null,
  question: Question<ServingDeployment>,
  call: Routed,
): ShadowRefusal | null {
  const decision = decide(shadow, question)
  return decision.allowed ? null : shadowRefusalOf(decision.refusal, call)
}
