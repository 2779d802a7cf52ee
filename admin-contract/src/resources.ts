/** Resources (accounts at providers) in the admin API. Credentials are named by reference, never sent here. */
import { ApiStyle, NewResource, Resource, ResourceChange } from '@headgate/domain/resource'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const resources = thingOperations({
  path: '/resources',
  id: 'resourceId',
  thing: 'resource',
  called: 'a resource',
  shape: Resource,
  create: NewResource,
  change: ResourceChange,
  sorts: ['created_at', 'name'],
  filters: { apiStyle: ApiStyle.optional(), q: NamePart },
  readRight: 'upstreams.read',
  writeRight: 'upstreams.write',
  changesCatalog: true,
  notes: {
    create: 'It says where a provider is reached and where its credential is kept.',
    change: 'Calls under way end where they were sent.',
  },
})
