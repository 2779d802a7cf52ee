/** Quotas (what a provider grants us at a resource) in the admin API. */
import { NewQuota, Quota, ResourceId } from '@headgate/domain/resource'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const quotas = {
  list: operation({
    method: 'GET',
    path: '/quotas',
    role: 'viewer',
    summary: 'Lists quotas, newest first; of one resource if asked.',
    query: PageQuery.extend({ resourceId: ResourceId.optional() }),
    reply: pageOf(Quota),
  }),
  create: operation({
    method: 'POST',
    path: '/quotas',
    role: 'admin',
    audit: 'quota.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a quota of a resource. Names are unique within the resource.',
    body: NewQuota,
    reply: Quota,
  }),
  read: operation({
    method: 'GET',
    path: '/quotas/{quotaId}',
    role: 'viewer',
    summary: 'Reads one quota.',
    reply: Quota,
  }),
}
