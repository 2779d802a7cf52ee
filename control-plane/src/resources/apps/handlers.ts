/** What the admin API does with apps. A rule for the secrets of their keys sets the dates of those keys. */
import type { apps } from '@headgate/admin-contract/apps'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { App, AppChange, NewApp } from '@headgate/domain/app'
import { setRotationDates } from '../../database/rotation-dates.ts'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

const plain = thingHandlers<App, NewApp, AppChange>({ table: 'apps', prefix: 'app', json: ['rotationRule'] })

export const appsHandlers: Handlers<typeof apps, HandlerContext> = {
  ...plain,
  change: async (call, context) => {
    const change = await plain.change(call, context)
    // A job publishes the keys whose end is another by it; there may be more of them than a request should wait for.
    if (change.changed && call.body.rotationRule !== undefined)
      await setRotationDates(context.db, { appId: change.subjectId }, context.now)
    return change
  },
}
