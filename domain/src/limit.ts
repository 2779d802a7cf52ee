/**
 * A limit is what we grant an owner (team, app, user or key) per window: absolute, or a share of its parent,
 * which is another limit or the quota at the root of the tree. Shares are caps, so they may sum to more than
 * one; guarantees are kept free for their owner and may not. No limit means no row; zero denies.
 */
import { z } from 'zod'
import { idOf } from './id.ts'
import { MachineName } from './name.ts'
import { QuotaId } from './resource.ts'
import { TeamId } from './team.ts'

const LimitId = idOf('lim')

/** What is counted, and over which time. */
export const Measure = z.enum([
  'requests_per_minute',
  'tokens_per_minute',
  'concurrent_calls',
  'tokens_per_day',
])
export type Measure = z.infer<typeof Measure>

const ULID = '[0-9A-HJKMNP-TV-Z]{26}'

export const LimitOwnerId = z
  .string()
  .regex(new RegExp(`^(team|app|usr|key)_${ULID}$`), 'expected the id of a team, an app, a user or a key')

export const LimitParentId = z
  .string()
  .regex(new RegExp(`^(quo|lim)_${ULID}$`), 'expected the id of a quota or of another limit')

const ownerKinds = { team: 'team', app: 'app', usr: 'user', key: 'key' } as const
export type LimitOwnerKind = (typeof ownerKinds)[keyof typeof ownerKinds]

/** What an owner is, by its id. */
export function ownerKindOf(ownerId: string): LimitOwnerKind {
  return ownerKinds[ownerId.slice(0, ownerId.indexOf('_')) as keyof typeof ownerKinds]
}

/**
 * What holds while Redis, which all gateways share, does not answer: each gateway judges alone on its part of the
 * figure (`local`), nobody passes (`closed`), or everybody does and it is counted later (`open`).
 */
const OnOutage = z.enum(['local', 'closed', 'open'])

const Amount = z.int().min(0).max(1_000_000_000_000)
/** A part of the parent, above 0 and at most 1; six decimals count. Zero is written as an amount. */
const Share = z.number().min(0.000001).max(1)

export const Limit = z.object({
  id: LimitId,
  /** The team the owner belongs to, or is. */
  teamId: TeamId,
  ownerId: LimitOwnerId,
  parentId: LimitParentId.nullable(),
  /** The quota at the root, when there is one: the limit then counts only calls that draw on it. */
  quotaId: QuotaId.nullable(),
  /** The model alias it counts; null: all of them together. */
  model: MachineName.nullable(),
  measure: Measure,
  /** Exactly one of the two is set. */
  amount: Amount.nullable(),
  share: Share.nullable(),
  /** The part of the parent that is kept free for this owner; null: none. */
  guarantee: Share.nullable(),
  /** May go beyond its own figure while its parent has room that nobody else is guaranteed. */
  borrows: z.boolean(),
  onOutage: OnOutage,
  createdAt: z.iso.datetime({ offset: true }),
})
export type Limit = z.infer<typeof Limit>

/** What gateways are told of a limit. */
export const LimitRule = Limit.omit({ createdAt: true }).extend({
  /** Catalogs from before there was a choice do not say. */
  onOutage: OnOutage.default('local'),
})
export type LimitRule = z.infer<typeof LimitRule>

const parentNeeded = (field: string) => ({ path: [field], error: 'needs parentId: what it is a part of' })

export const NewLimit = z
  .strictObject({
    ownerId: LimitOwnerId,
    parentId: LimitParentId.nullable().default(null),
    /** Left out, those of the parent limit hold. */
    measure: Measure.optional(),
    model: MachineName.nullable().optional(),
    amount: Amount.nullable().default(null),
    share: Share.nullable().default(null),
    guarantee: Share.nullable().default(null),
    borrows: z.boolean().default(false),
    onOutage: OnOutage.default('local'),
    /** Says that shares of one parent may sum to more than one. */
    allowOversubscription: z.boolean().default(false),
  })
  .refine((it) => (it.amount === null) !== (it.share === null), {
    path: ['amount'],
    error: 'set either amount or share',
  })
  .refine((it) => it.share === null || it.parentId !== null, parentNeeded('share'))
  .refine((it) => it.guarantee === null || it.parentId !== null, parentNeeded('guarantee'))
  .refine((it) => !it.borrows || it.parentId !== null, parentNeeded('borrows'))
export type NewLimit = z.infer<typeof NewLimit>

/** What may be changed in a limit; what is left out stays. */
export const LimitChange = z.strictObject({
  amount: Amount.nullable().optional(),
  share: Share.nullable().optional(),
  guarantee: Share.nullable().optional(),
  borrows: z.boolean().optional(),
  onOutage: OnOutage.optional(),
  allowOversubscription: z.boolean().default(false),
})
export type LimitChange = z.infer<typeof LimitChange>

const MILLION = 1_000_000

/** Shares in millionths, whole numbers, so that sums and products are exact. */
export function millionths(share: number): number {
  return Math.round(share * MILLION)
}

/** A share of a figure, rounded down but never to zero: only an explicit zero denies. */
export function shareOf(share: number, parent: number): number {
  if (parent === 0) return 0
  return Math.max(1, Number((BigInt(millionths(share)) * BigInt(parent)) / BigInt(MILLION)))
}

/** The figure a limit comes to below a parent of this figure. */
export function figureOf(limit: Pick<Limit, 'amount' | 'share'>, parent: number | null): number {
  if (limit.amount !== null) return limit.amount
  return limit.share === null || parent === null ? 0 : shareOf(limit.share, parent)
}
