/** Simulations in the admin API: what would become of calls that nobody makes, on the catalog in force or another. */
import { AppId } from '@headgate/domain/app'
import { CallTagName, CallTagValue } from '@headgate/domain/call-tag'
import { Choice } from '@headgate/domain/choice'
import { CostState } from '@headgate/domain/cost'
import { ForwardedName } from '@headgate/domain/endpoint'
import { idOf } from '@headgate/domain/id'
import { MachineName } from '@headgate/domain/name'
import { Currency } from '@headgate/domain/price'
import { ConditionPart } from '@headgate/domain/route-condition'
import { UserId } from '@headgate/domain/user'
import { z } from 'zod'
import { Instant } from './instant.ts'
import { operation } from './operation.ts'

const CASES_MAX = 100
const Tokens = z.int().min(0).max(1_000_000_000)
const Load = z.enum(['now', 'none'])
export type Load = z.infer<typeof Load>

const SimulationCase = z
  .strictObject({
    /** Comes back with the answer. */
    name: z.string().max(100).nullable().default(null),
    /** Who calls: a key, or any key of an app that has no rules of its own, perhaps of a user. */
    keyId: idOf('key').nullable().default(null),
    appId: AppId.nullable().default(null),
    userId: UserId.nullable().default(null),
    model: MachineName,
    endpoint: ForwardedName.default('chat.completions'),
    inputTokens: Tokens,
    /** The ceiling that the caller names; null when it names none. */
    outputTokens: Tokens.nullable().default(null),
    choices: z.int().min(1).max(1000).default(1),
    /** Left out, four bytes for each token of the input. */
    requestBytes: Tokens.optional(),
    tags: z
      .array(z.strictObject({ name: CallTagName, value: CallTagValue }))
      .max(16)
      .default([]),
    session: z.string().min(1).max(128).nullable().default(null),
    /** When it is made; null: now. */
    at: Instant.nullable().default(null),
  })
  .refine((it) => (it.keyId === null) !== (it.appId === null), {
    path: ['keyId'],
    error: 'send either key_id or app_id',
  })
  .refine((it) => it.userId === null || it.appId !== null, {
    path: ['userId'],
    error: 'a key has a user of its own; send user_id with app_id only',
  })
export type SimulationCase = z.infer<typeof SimulationCase>

const SimulationRequest = z
  .strictObject({
    /** An earlier version of the catalog; null: the one in force. */
    version: z.int().min(1).nullable().default(null),
    /** What the catalog would be if this draft were published. */
    draftId: idOf('dft').nullable().default(null),
    /** `now`: what limits and budgets hold at this moment; `none`: nothing is held and nothing was spent. */
    load: Load.default('now'),
    cases: z.array(SimulationCase).min(1).max(CASES_MAX),
  })
  .refine((it) => it.version === null || it.draftId === null, {
    path: ['draftId'],
    error: 'send version or draft_id, not both',
  })
export type SimulationRequest = z.infer<typeof SimulationRequest>

const Scope = z.object({ kind: z.enum(['key', 'user', 'app', 'team', 'resource']), name: z.string() })
const Refusal = z.object({
  code: z.string(),
  level: z.enum(['organisation', 'team', 'app', 'key']),
  /** Null for the list of allowed models of a team, an app or a key itself. */
  policy: z.object({ id: z.string(), name: z.string() }).nullable(),
})

export const SimulatedCase = z.object({
  name: z.string().nullable(),
  verdict: z.object({
    admitted: z.boolean(),
    /** As a gateway would answer; 200 where it would ask a provider. */
    status: z.int(),
    code: z.string().nullable(),
    message: z.string().nullable(),
    retryAfterMs: z.int().nullable(),
  }),
  /** The model asked for, and behind it the one a budget has serve in its place. */
  routes: z.array(
    z.object({
      model: z.string(),
      /** Each rule up to the one that decides; `missed_by` is the first part that does not hold, null where all do. */
      rules: z.array(z.object({ name: z.string(), missedBy: ConditionPart.nullable() })),
      /** Null where no rule holds. */
      rule: z.string().nullable(),
      choice: Choice,
    }),
  ),
  estimate: z.object({ input: z.int(), output: z.int() }).nullable(),
  policyRefusal: Refusal.nullable(),
  /** What a policy in shadow mode would have refused. */
  shadowRefusal: Refusal.nullable(),
  downshiftedTo: z.string().nullable(),
  budgets: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      scope: Scope,
      currency: Currency,
      amountNanos: z.int(),
      /** What of the amount overrides add at that instant. */
      overrideNanos: z.int(),
      /** Null for a soft budget. */
      blocksAtNanos: z.int().nullable(),
      /** Null while what was spent is being counted anew. */
      spentNanos: z.int().nullable(),
      endsAt: z.iso.datetime(),
    }),
  ),
  limits: z.array(
    z.object({
      scope: Scope,
      unit: z.string(),
      limit: z.int(),
      /** 0 for calls at once. */
      windowMs: z.int(),
      asked: z.int(),
      remaining: z.int(),
      resetMs: z.int(),
      quotaId: z.string().nullable(),
    }),
  ),
  /** In the order to try them; a tier that chance or load puts in order stands as it is written. */
  deployments: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      resourceId: z.string(),
      quotaId: z.string().nullable(),
      /** The most the call can cost there; null where that is unknown, never zero for it. */
      costNanos: z.int().nullable(),
      costState: CostState,
      currency: Currency.nullable(),
    }),
  ),
})
export type SimulatedCase = z.infer<typeof SimulatedCase>

export const simulations = {
  run: operation({
    method: 'POST',
    path: '/simulations',
    right: 'catalog.read',
    audit: 'of-each-item',
    changesCatalog: false,
    status: 200,
    summary:
      'Says what would become of calls that nobody makes: route, policies, limits, budgets, deployments, cost and the answer. Nothing is called and nothing counts.',
    body: SimulationRequest,
    reply: z.object({
      /** Of the catalog that answered; null for a draft. */
      version: z.int().nullable(),
      /** `none` too where what is held now could not be asked. */
      load: Load,
      data: z.array(SimulatedCase),
    }),
  }),
}
