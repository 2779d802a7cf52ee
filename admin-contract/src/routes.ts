/** Routes (alias to deployments) in the admin API. */
import { ModelAliasId } from '@headgate/domain/model-alias'
import { NewRoute, Route } from '@headgate/domain/route'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const routes = {
  list: operation({
    method: 'GET',
    path: '/routes',
    role: 'viewer',
    summary: 'Lists routes, newest first; of one alias if asked.',
    query: PageQuery.extend({ aliasId: ModelAliasId.optional() }),
    reply: pageOf(Route),
  }),
  create: operation({
    method: 'POST',
    path: '/routes',
    role: 'admin',
    audit: 'route.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates the route of an alias: tiers in order, shares by weight within a tier.',
    body: NewRoute,
    reply: Route,
  }),
  read: operation({
    method: 'GET',
    path: '/routes/{routeId}',
    role: 'viewer',
    summary: 'Reads one route.',
    reply: Route,
  }),
}
