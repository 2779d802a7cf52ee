/** What the admin API does with resources, the accounts at providers. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { resources } from '@headgate/admin-contract/resources'
import {
  isLoopbackOrigin,
  type NewResource,
  type Resource,
  type ResourceChange,
} from '@headgate/domain/resource'
import { fieldFault, type HandlerContext } from '../context.ts'
import { refuseUnknownSecret } from '../secret-refs.ts'
import { thingHandlers } from '../things.ts'

export const resourcesHandlers: Handlers<typeof resources, HandlerContext> = thingHandlers<
  Resource,
  NewResource,
  ResourceChange
>({
  table: 'resources',
  prefix: 'res',
  check: async ({ origin, secretRef }, { allowLoopbackUpstreams, db }) => {
    if (secretRef !== undefined) await refuseUnknownSecret(secretRef, db)
    if (origin !== undefined && isLoopbackOrigin(origin) && !allowLoopbackUpstreams) throw loopbackRefused()
  },
})

/** Plain HTTP to the gateway's own machine is for the demo and for tests; elsewhere it would open inner doors. */
function loopbackRefused() {
  return fieldFault('/origin', {
    code: 'loopback_refused',
    message: 'providers on 127.0.0.1 are allowed in evaluation mode only',
    fix: 'Send the https origin of the provider, or set HEADGATE_MODE=evaluation.',
  })
}
