/** Quotas (what providers grant us at a resource) in the admin API. */
import { NewQuota, Quota, QuotaChange, ResourceId } from '@headgate/domain/resource'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const quotas = thingOperations({
  path: '/quotas',
  id: 'quotaId',
  thing: 'quota',
  called: 'a quota',
  shape: Quota,
  create: NewQuota,
  change: QuotaChange,
  sorts: ['created_at', 'name'],
  filters: { resourceId: ResourceId.optional(), q: NamePart },
  readRight: 'upstreams.read',
  writeRight: 'upstreams.write',
  changesCatalog: true,
  notes: {
    create: 'Names are unique within the resource.',
    change: 'Limits that are shares of it follow with the next call.',
  },
})
