/** What the admin API does with resources, the accounts at providers. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { resources } from '@headgate/admin-contract/resources'
import { isLoopbackOrigin } from '@headgate/domain/resource'
import { created, fieldFault, found, type HandlerContext } from '../context.ts'
import { insertResource, listResources, readResource } from './queries.ts'

export const resourcesHandlers: Handlers<typeof resources, HandlerContext> = {
  list: ({ query }, { db }) => listResources(db, query),
  read: async ({ params }, { db }) => found(await readResource(db, params.resourceId)),
  create: async ({ body }, { db, newId, now, allowLoopbackUpstreams }) => {
    if (isLoopbackOrigin(body.origin) && !allowLoopbackUpstreams) throw loopbackRefused()
    return created(await insertResource(db, { ...body, id: newId('res'), createdAt: now }))
  },
}

/** Plain HTTP to the gateway's own machine is for the demo and for tests; elsewhere it would open inner doors. */
function loopbackRefused() {
  return fieldFault('/origin', {
    code: 'loopback_refused',
    message: 'providers on 127.0.0.1 are allowed in evaluation mode only',
    fix: 'Send the https origin of the provider, or set HEADGATE_MODE=evaluation.',
  })
}
