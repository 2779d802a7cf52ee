/** What the admin API does with quotas. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { quotas } from '@headgate/admin-contract/quotas'
import type { NewQuota, Quota, QuotaChange } from '@headgate/domain/resource'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

export const quotasHandlers: Handlers<typeof quotas, HandlerContext> = thingHandlers<
  Quota,
  NewQuota,
  QuotaChange
>({ table: 'quotas', prefix: 'quo' })
