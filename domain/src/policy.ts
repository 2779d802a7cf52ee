/**
 * A policy says what a key, an app, a team or the whole organisation may use: models, endpoints and resources,
 * allowed or denied, and caps on a single call. The rule: a deny at any level wins; otherwise the narrowest level
 * that speaks decides (key, app, team, organisation), and all its lists must hold the name; nobody speaks: allowed.
 * Of caps the smallest holds. `decide` is the only place that judges.
 */
import { z } from 'zod'
import { EndpointName } from './endpoint.ts'
import type { ErrorCode } from './gateway-error.ts'
import { idOf } from './id.ts'
import { ModelAccess } from './model-alias.ts'
import { DisplayName } from './name.ts'
import { ResourceId } from './resource.ts'

const NAMES_MAX = 1000
const Cap = z.int().min(1).max(1_000_000_000).nullable()

/** `enforce` refuses; `shadow` only records what it would have refused. */
export const PolicyMode = z.enum(['enforce', 'shadow'])

const listsOf = <T extends z.ZodType>(endpointName: T) => ({
  allowedModels: ModelAccess,
  deniedModels: ModelAccess,
  allowedEndpoints: z.array(endpointName).max(NAMES_MAX).nullable(),
  deniedEndpoints: z.array(endpointName).max(NAMES_MAX).nullable(),
  allowedResources: z.array(ResourceId).max(NAMES_MAX).nullable(),
  deniedResources: z.array(ResourceId).max(NAMES_MAX).nullable(),
})

const caps = {
  /** The estimate of the input, as limits use it. */
  inputTokensMax: Cap,
  /** The ceiling of one answer, as `max_tokens` means it; `n` answers may each be so long. */
  outputTokensMax: Cap,
  /** `n`, and `best_of` where there is one. */
  choicesMax: Cap,
  requestBytesMax: Cap,
}

export const PolicyOwnerId = z
  .string()
  .regex(/^(team|app|key)_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of a team, an app or a key')

const who = {
  name: DisplayName,
  /** Whose calls it holds for: those of a team, an app or a key; null: of the whole organisation. */
  ownerId: PolicyOwnerId.nullable(),
  mode: PolicyMode,
}

/** In lists null does not speak, an empty allow list allows nothing; a cap of null is none. */
export const Policy = z.object({
  id: idOf('pol'),
  ...who,
  // Not the closed set: a gateway must be able to read of endpoints that only its successor serves.
  ...listsOf(z.string().min(1).max(64)),
  ...caps,
  createdAt: z.iso.datetime({ offset: true }),
})
export type Policy = z.infer<typeof Policy>

const settable = z.strictObject({ ...who, ...listsOf(EndpointName), ...caps })

/** The owner must be named, so that nobody makes a rule for the organisation by leaving something out. */
export const NewPolicy = settable.extend({
  mode: PolicyMode.default('enforce'),
  allowedModels: settable.shape.allowedModels.default(null),
  deniedModels: settable.shape.deniedModels.default(null),
  allowedEndpoints: settable.shape.allowedEndpoints.default(null),
  deniedEndpoints: settable.shape.deniedEndpoints.default(null),
  allowedResources: settable.shape.allowedResources.default(null),
  deniedResources: settable.shape.deniedResources.default(null),
  inputTokensMax: Cap.default(null),
  outputTokensMax: Cap.default(null),
  choicesMax: Cap.default(null),
  requestBytesMax: Cap.default(null),
})
export type NewPolicy = z.infer<typeof NewPolicy>

/** What is to be different; what is left out stays as it is. A policy stays with its owner. */
export const PolicyChange = settable.omit({ ownerId: true }).partial()
export type PolicyChange = z.infer<typeof PolicyChange>

type Lists = Pick<PolicyChange, 'allowedModels' | 'deniedModels' | 'allowedResources' | 'deniedResources'>
type Known = { readonly models: ReadonlySet<string>; readonly resources: ReadonlySet<string> }

/** The models and resources that the lists name and that do not exist, with their places in the lists. */
export function danglingNames(
  lists: Lists,
  known: Known,
): { readonly field: keyof Lists; readonly index: number; readonly name: string }[] {
  const fields = ['allowedModels', 'deniedModels', 'allowedResources', 'deniedResources'] as const
  return fields.flatMap((field) => {
    const there = field.endsWith('Models') ? known.models : known.resources
    return (lists[field] ?? []).flatMap((name, index) => (there.has(name) ? [] : [{ field, index, name }]))
  })
}

export type LevelKind = 'organisation' | 'team' | 'app' | 'key'

/** Where a rule is set. `policy` is null for the `allowedModels` of a team, an app or a key itself. */
export type RuleSource = {
  readonly level: LevelKind
  readonly policy: { readonly id: string; readonly name: string } | null
}

export type NameList = { readonly by: RuleSource; readonly names: { has(name: string): boolean } }

/** What is said of one kind of name: every deny there is, and the allow lists of the narrowest level that speaks. */
export type NameRules = { readonly denies: readonly NameList[]; readonly allows: readonly NameList[] }

export type CapRule = { readonly by: RuleSource; readonly max: number }

/** All that policies say of one key, ready for look-ups. Null stands for rules that say nothing. */
export type Rules = {
  readonly models: NameRules
  readonly endpoints: NameRules
  readonly resources: NameRules
  readonly inputTokens: CapRule | null
  readonly outputTokens: CapRule | null
  readonly choices: CapRule | null
  readonly requestBytes: CapRule | null
}

type Reachable = { readonly resource: { readonly id: string } }

/** What a call asks for, its alias, its deployments and its estimate known. Infinity stands for what is no count. */
export type Question<Candidate extends Reachable> = {
  readonly endpoint: string
  readonly model: string
  readonly candidates: readonly Candidate[]
  readonly requestBytes: number
  readonly inputTokens: number
  /** The caller's own ceiling; null when it names none. */
  readonly outputTokens: number | null
  readonly choices: number
}

type NameCode = 'endpoint_not_allowed' | 'model_not_allowed' | 'resource_not_allowed'
type CapCode = 'body_too_large' | 'context_length_exceeded' | 'max_tokens_over_cap' | 'choices_over_cap'

export type Refusal =
  | { readonly code: Extract<ErrorCode, NameCode>; readonly by: RuleSource }
  | {
      readonly code: Extract<ErrorCode, CapCode>
      readonly by: RuleSource
      readonly counted: number
      readonly max: number
    }

export type Decision<Candidate> =
  | { readonly allowed: true; readonly candidates: readonly Candidate[] }
  | { readonly allowed: false; readonly refusal: Refusal }

/** May this call be made, and which of its candidates may be tried? The very same list when all may. */
export function decide<C extends Reachable>(rules: Rules | null, question: Question<C>): Decision<C> {
  if (rules === null) return { allowed: true, candidates: question.candidates }
  const refusal =
    judgeEndpoint(rules, question.endpoint) ??
    judgeModel(rules, question.model, question.candidates) ??
    overCap('body_too_large', rules.requestBytes, question.requestBytes) ??
    overCap('context_length_exceeded', rules.inputTokens, question.inputTokens) ??
    overCap('max_tokens_over_cap', rules.outputTokens, question.outputTokens ?? 0) ??
    overCap('choices_over_cap', rules.choices, question.choices)
  if (refusal !== null) return { allowed: false, refusal }
  const candidates = question.candidates.filter((it) => refuserOf(rules.resources, it.resource.id) === null)
  return {
    allowed: true,
    candidates: candidates.length < question.candidates.length ? candidates : question.candidates,
  }
}

/** What refuses the endpoint to whoever calls; null when nothing does. */
export function judgeEndpoint(rules: Rules | null, endpoint: string): Refusal | null {
  const by = rules === null ? null : refuserOf(rules.endpoints, endpoint)
  return by === null ? null : { code: 'endpoint_not_allowed', by }
}

/** What refuses the model: a rule on its name, or rules on resources that leave none to serve it. */
export function judgeModel(
  rules: Rules | null,
  model: string,
  candidates: readonly Reachable[],
): Refusal | null {
  if (rules === null) return null
  const byName = refuserOf(rules.models, model)
  if (byName !== null) return { code: 'model_not_allowed', by: byName }
  let last: RuleSource | null = null
  for (const { resource } of candidates) {
    last = refuserOf(rules.resources, resource.id)
    if (last === null) return null
  }
  return last === null ? null : { code: 'resource_not_allowed', by: last }
}

function refuserOf({ denies, allows }: NameRules, name: string): RuleSource | null {
  for (const it of denies) if (it.names.has(name)) return it.by
  for (const it of allows) if (!it.names.has(name)) return it.by
  return null
}

function overCap(code: CapCode, cap: CapRule | null, counted: number): Refusal | null {
  return cap !== null && counted > cap.max ? { code, by: cap.by, counted, max: cap.max } : null
}
