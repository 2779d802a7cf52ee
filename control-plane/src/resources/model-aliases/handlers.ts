/** What the admin API does with model aliases. */
import type { modelAliases } from '@headgate/admin-contract/model-aliases'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { ModelAlias, ModelAliasChange, NewModelAlias } from '@headgate/domain/model-alias'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

export const modelAliasesHandlers: Handlers<typeof modelAliases, HandlerContext> = thingHandlers<
  ModelAlias,
  NewModelAlias,
  ModelAliasChange
>({ table: 'modelAliases', prefix: 'ali' })
