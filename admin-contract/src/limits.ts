/** Limits in the admin API: what owners are granted, as a tree below the quotas of resources. */
import { Limit, LimitChange, LimitOwnerId, LimitParentId, Measure, NewLimit } from '@headgate/domain/limit'
import { QuotaId } from '@headgate/domain/resource'
import { TeamId } from '@headgate/domain/team'
import { z } from 'zod'
import { operation } from './operation.ts'
import { listQuery, pageOf } from './page.ts'

const Units = z.int().min(0)

/** What a quota or limit comes to now. All units are those of its measure. */
export const LimitState = z.object({
  /** The limit's id; of a quota its id with the measure behind a colon. */
  id: z.string(),
  kind: z.enum(['quota', 'limit']),
  parentId: z.string().nullable(),
  ownerId: z.string().nullable(),
  /** As refusals call it. */
  name: z.string(),
  model: z.string().nullable(),
  measure: Measure,
  /** What its amount or share comes to. */
  figure: Units,
  share: z.number().nullable(),
  guarantee: z.number().nullable(),
  borrows: z.boolean(),
  /** Null where the ledger could not be asked. */
  now: z
    .object({
      /** Of the figure, or of its burst where that is what is left to take at once. */
      free: Units,
      /** Used and not yet flowed back, what calls under way hold included. */
      used: Units,
      /** What calls under way hold. */
      reserved: Units,
      resetMs: Units,
    })
    .nullable(),
  /** Calls of its owner that any limit refused in the last minute; null for a quota. */
  refusedLastMinute: Units.nullable(),
  /** The shares of its children together; above 1 it is promised more than once. */
  sharedOut: z.number(),
  oversubscribed: z.boolean(),
})
export type LimitState = z.infer<typeof LimitState>

/** How the calls of a span would have fared under another figure. */
export const Replay = z.object({
  limitId: z.string(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  /** The figure tried, and the one in force. */
  figure: Units,
  figureNow: Units,
  calls: Units,
  units: Units,
  wouldBeRefused: Units,
  wouldBeRefusedNow: Units,
  /** When the first one would have been refused. */
  firstRefusedAt: z.iso.datetime().nullable(),
  /** True when there were more calls than are looked through; the latest ones were. */
  truncated: z.boolean(),
})
export type Replay = z.infer<typeof Replay>

export const limits = {
  tree: operation({
    method: 'GET',
    path: '/limits/tree',
    right: 'limits.read',
    summary: 'Shows the tree of one quota or team live: used, reserved, free and refused, parents first.',
    query: z
      .strictObject({ quotaId: QuotaId.optional(), teamId: TeamId.optional() })
      .refine((it) => (it.quotaId === undefined) !== (it.teamId === undefined), {
        path: ['quotaId'],
        error: 'send either quota_id or team_id',
      }),
    reply: z.object({ asOf: z.iso.datetime(), data: z.array(LimitState), truncated: z.boolean() }),
  }),
  list: operation({
    method: 'GET',
    path: '/limits',
    right: 'limits.read',
    summary:
      'Lists limits, newest first unless `sort` says otherwise; of one team, owner, parent, quota or measure if asked.',
    query: listQuery(['created_at'], {
      teamId: TeamId.optional(),
      ownerId: LimitOwnerId.optional(),
      quotaId: QuotaId.optional(),
      parentId: LimitParentId.optional(),
      measure: Measure.optional(),
    }),
    reply: pageOf(Limit),
  }),
  create: operation({
    method: 'POST',
    path: '/limits',
    right: 'limits.write',
    audit: 'limit.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a limit: an amount, or a share of a quota or of another limit.',
    body: NewLimit,
    reply: Limit,
  }),
  read: operation({
    method: 'GET',
    path: '/limits/{limitId}',
    right: 'limits.read',
    summary: 'Reads one limit.',
    reply: Limit,
  }),
  replay: operation({
    method: 'GET',
    path: '/limits/{limitId}/replay',
    right: 'limits.read',
    summary: 'Tells how many of the recorded calls of the last 24 hours another figure would have refused.',
    query: z
      .strictObject({
        amount: z.coerce.number().int().min(0).optional(),
        share: z.coerce.number().min(0.000001).max(1).optional(),
      })
      .refine((it) => it.amount === undefined || it.share === undefined, {
        path: ['amount'],
        error: 'send amount or share, not both; neither for the figure in force',
      }),
    reply: Replay,
  }),
  change: operation({
    method: 'PATCH',
    path: '/limits/{limitId}',
    right: 'limits.write',
    audit: 'limit.changed',
    changesCatalog: true,
    status: 200,
    summary:
      'Changes the figures of a limit; what is left out stays. Its children follow with the next call.',
    body: LimitChange,
    reply: Limit,
  }),
  remove: operation({
    method: 'DELETE',
    path: '/limits/{limitId}',
    right: 'limits.write',
    audit: 'limit.removed',
    changesCatalog: true,
    status: 200,
    summary: 'Removes a limit that no other is a part of; its owner is no longer limited by it.',
    reply: Limit,
  }),
}
