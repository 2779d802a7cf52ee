/** Limits in the admin API: what owners are granted, as a tree below the quotas of resources. */
import { Limit, LimitChange, LimitOwnerId, NewLimit } from '@headgate/domain/limit'
import { QuotaId } from '@headgate/domain/resource'
import { TeamId } from '@headgate/domain/team'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const limits = {
  list: operation({
    method: 'GET',
    path: '/limits',
    role: 'viewer',
    summary: 'Lists limits, newest first; of one team, owner or quota if asked.',
    query: PageQuery.extend({
      teamId: TeamId.optional(),
      ownerId: LimitOwnerId.optional(),
      quotaId: QuotaId.optional(),
    }),
    reply: pageOf(Limit),
  }),
  create: operation({
    method: 'POST',
    path: '/limits',
    role: 'operator',
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
    role: 'viewer',
    summary: 'Reads one limit.',
    reply: Limit,
  }),
  change: operation({
    method: 'PATCH',
    path: '/limits/{limitId}',
    role: 'operator',
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
    role: 'operator',
    audit: 'limit.removed',
    changesCatalog: true,
    status: 200,
    summary: 'Removes a limit that no other is a part of; its owner is no longer limited by it.',
    reply: Limit,
  }),
}
