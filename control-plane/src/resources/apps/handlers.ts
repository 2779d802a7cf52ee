/** What the admin API does with apps. */
import type { apps } from '@headgate/admin-contract/apps'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { App, AppChange, NewApp } from '@headgate/domain/app'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

export const appsHandlers: Handlers<typeof apps, HandlerContext> = thingHandlers<App, NewApp, AppChange>({
  table: 'apps',
  prefix: 'app',
})
