/** Routes (alias to deployments) in the admin API. */
import { ModelAliasId } from '@headgate/domain/model-alias'
import { NewRoute, Route, RouteChange } from '@headgate/domain/route'
import { thingOperations } from './thing.ts'

export const routes = thingOperations({
  path: '/routes',
  id: 'routeId',
  thing: 'route',
  called: 'a route',
  shape: Route,
  create: NewRoute,
  change: RouteChange,
  sorts: ['created_at'],
  filters: { aliasId: ModelAliasId.optional() },
  readRight: 'upstreams.read',
  writeRight: 'upstreams.write',
  changesCatalog: true,
  notes: {
    create:
      'The first rule whose condition holds says where a call goes; where none does, the tiers do. Tiers are tried in order, and within a tier by the choice.',
  },
})
