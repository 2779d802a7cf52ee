/** Model → the deployments to try, best first. Pure: the catalog is already in hand. */
import { candidatesOf } from '@headgate/domain/catalog'
import { GatewayError } from '@headgate/domain/gateway-error'
import { modelNotFound } from '../endpoints/models.ts'
import { upstreams } from '../upstreams/index.ts'
import type { Authenticated, Candidates, Identified, Received, Routed } from './call.ts'

/** @throws GatewayError `model_not_found`, `endpoint_not_offered` */
export function resolveRoute(call: Authenticated<Identified<Received>>): Routed {
  const alias = call.catalog.alias(call.model)
  if (alias === undefined) throw modelNotFound(call.model)
  const able = candidatesOf(alias, Math.random).filter(
    (it) => upstreams[it.resource.apiStyle].path(call.endpoint, it, '') !== null,
  )
  if (able.length === 0) {
    throw new GatewayError('endpoint_not_offered', {
      public: `The model "${alias.name}" is not offered on ${call.endpoint.path}.`,
      param: 'model',
    })
  }
  return { ...call, alias, candidates: able as unknown as Candidates }
}
