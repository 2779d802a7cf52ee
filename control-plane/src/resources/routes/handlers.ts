/** What the admin API does with routes. That their deployments exist is judged when the catalog is compiled. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { routes } from '@headgate/admin-contract/routes'
import type { NewRoute, Route, RouteChange } from '@headgate/domain/route'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

export const routesHandlers: Handlers<typeof routes, HandlerContext> = thingHandlers<
  Route,
  NewRoute,
  RouteChange
>({ table: 'routes', prefix: 'rte', json: ['rules', 'tiers'] })
