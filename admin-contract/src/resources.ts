/** Resources (accounts at providers) in the admin API. Credentials are named by reference, never sent here. */
import { NewResource, Resource } from '@headgate/domain/resource'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const resources = {
  list: operation({
    method: 'GET',
    path: '/resources',
    role: 'viewer',
    summary: 'Lists resources, newest first.',
    query: PageQuery,
    reply: pageOf(Resource),
  }),
  create: operation({
    method: 'POST',
    path: '/resources',
    role: 'admin',
    audit: 'resource.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a resource: where a provider is reached and where its credential is kept.',
    body: NewResource,
    reply: Resource,
  }),
  read: operation({
    method: 'GET',
    path: '/resources/{resourceId}',
    role: 'viewer',
    summary: 'Reads one resource.',
    reply: Resource,
  }),
}
