/** A route refusal is what a caller reads when a model leads nowhere: it is not there, or not on this endpoint. */
import { type EndpointName, isOfferedAt } from './endpoint.ts'
import { GatewayError } from './gateway-error.ts'
import { type OfModel, servesEndpoint } from './model-entry.ts'
import type { ApiStyle } from './resource.ts'

/** One answer for what does not exist and what is not for this caller's eyes. */
export function modelNotFound(name: string): GatewayError {
  return new GatewayError('model_not_found', {
    public: `No model named "${name.slice(0, 64)}" is offered to this key. GET /v1/models lists those that are.`,
    param: 'model',
  })
}

type Candidate = OfModel & { readonly resource: { readonly apiStyle: ApiStyle } }

/**
 * The candidates whose provider has the endpoint, and whose model serves it as far as is known.
 * @param path of the endpoint, as callers know it
 * @throws GatewayError `endpoint_not_offered` when there is none
 */
export function offeredOf<C extends Candidate>(
  candidates: readonly C[],
  model: string,
  { name, path }: { readonly name: EndpointName; readonly path: string },
): readonly [C, ...C[]] {
  const has = (it: C) => isOfferedAt(name, it.resource.apiStyle) && servesEndpoint(it, name)
  // Mostly all of them have it, and then the list is taken as it is.
  const able = candidates.every(has) ? candidates : candidates.filter(has)
  // That it is not empty is seen here, which the type cannot follow.
  if (able.length > 0) return able as readonly [C, ...C[]]
  throw new GatewayError('endpoint_not_offered', {
    public: `The model "${model}" is not offered on ${path}.`,
    param: 'model',
  })
}
