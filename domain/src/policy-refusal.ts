/**
 * A policy refusal is what a caller is told when a policy refuses: what was asked, what was counted, the cap, and where it is set.
 * The names in these texts are those of the caller's own key, app, team and organisation, of nobody else's.
 */
import { GatewayError } from './gateway-error.ts'
import type { Refusal, RuleSource } from './policy.ts'
import type { ShadowRefusal } from './usage-record.ts'

/** What a policy refused, in the words of the caller. */
export type RefusedCall = {
  readonly endpoint: string
  /** Null where none was asked for. */
  readonly model: string | null
  /** The fields that asked for the longest answer and for the most answers; null where none did. */
  readonly outputField: string | null
  readonly choicesField: string | null
}

/** The error for the caller. */
export function policyError(refusal: Refusal, call: RefusedCall): GatewayError {
  const { code, by } = refusal
  const param = paramOf(refusal, call)
  return new GatewayError(code, {
    public: `${reasonOf(refusal, call)} ${adviceOf(refusal)}`,
    ...(param !== null && { param }),
    ...(by.policy !== null && { policy: by.policy }),
    ...('max' in refusal && { limit: refusal.max, unit: units[refusal.code] }),
    ...('max' in refusal && Number.isFinite(refusal.counted) && { requested: refusal.counted }),
  })
}

/** The same as a shadow policy would have refused it, for the usage record. */
export function shadowRefusalOf(refusal: Refusal, call: RefusedCall): ShadowRefusal {
  // Only a policy can be in shadow mode, and whatever it adds to what is enforced is its own doing.
  return { code: refusal.code, policyId: refusal.by.policy?.id ?? '', text: reasonOf(refusal, call) }
}

const units = {
  body_too_large: 'bytes',
  context_length_exceeded: 'tokens',
  max_tokens_over_cap: 'tokens',
  choices_over_cap: 'choices',
} as const

function reasonOf(refusal: Refusal, call: RefusedCall): string {
  const source = sourceText(refusal.by)
  switch (refusal.code) {
    case 'endpoint_not_allowed':
      return `This key may not use the endpoint ${call.endpoint}: ${source} does not allow it.`
    case 'model_not_allowed':
      return `This key may not use the model "${call.model ?? ''}": ${source} does not allow it.`
    case 'resource_not_allowed':
      return `This key may use none of the accounts that serve the model "${call.model ?? ''}": ${source} does not allow them.`
    case 'body_too_large':
      return `The body has ${refusal.counted} bytes; ${source} caps it at ${refusal.max}.`
    case 'context_length_exceeded':
      return `The input counts about ${refusal.counted} tokens; ${source} caps it at ${refusal.max}.`
    default: {
      const isOutput = refusal.code === 'max_tokens_over_cap'
      const what = isOutput ? 'tokens' : 'answers'
      const asked = Number.isFinite(refusal.counted)
        ? `asks for ${refusal.counted} ${what}`
        : `does not say how many ${what}`
      return `"${paramOf(refusal, call)}" ${asked}; ${source} caps them at ${refusal.max}.`
    }
  }
}

function adviceOf({ code }: Refusal): string {
  switch (code) {
    case 'endpoint_not_allowed':
      return 'Ask its owner.'
    case 'model_not_allowed':
    case 'resource_not_allowed':
      return 'GET /v1/models lists those it may use.'
    case 'body_too_large':
    case 'context_length_exceeded':
      return 'Send less.'
    default:
      return 'Ask for no more than that.'
  }
}

function sourceText({ level, policy }: RuleSource): string {
  const whose = level === 'organisation' ? 'the organisation' : level === 'key' ? 'this key' : `its ${level}`
  return policy === null ? `the list of allowed models of ${whose}` : `policy "${policy.name}" of ${whose}`
}

/** The field at fault, as OpenAI's `param`; null where no single one is. */
function paramOf({ code }: Refusal, call: RefusedCall): string | null {
  if (code === 'model_not_allowed' || code === 'resource_not_allowed') return 'model'
  if (code === 'max_tokens_over_cap') return call.outputField
  return code === 'choices_over_cap' ? call.choicesField : null
}
