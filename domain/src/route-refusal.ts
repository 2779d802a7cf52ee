/** A route refusal is what a caller reads when a model leads nowhere: it is not there, or not on this endpoint. */
import { type EndpointName, isOfferedAt } from './endpoint.ts'
import { GatewayError } from './gateway-error.ts'
import type { ApiStyle } from './resource.ts'

/** One answer for what does not exist and what is not for this caller's eyes. */
export function modelNotFound(name: string): GatewayError {
  return new GatewayError('model_not_found', {
    public: `No model named "${name.slice(0, 64)}" is offered to this key. GET /v1/models lists those that are.`,
    param: 'model',
  })
}

type Candidate = { readonly resource: { readonly apiStyle: ApiStyle } }

/**
 * The candidates whose provider has the endpoint.
 * @param path of the endpoint, as callers know it
 * @throws GatewayError `endpoint_not_offered` when there is none
 */
export function offeredOf<C extends Candidate>(
  candidates: readonly C[],
  model: string,
  { name, path }: { readonly name: EndpointName; readonly path: string },
): readonly [C, ...C[]] {
  const able = candidates.filter((it) => isOfferedAt(name, it.resource.apiStyle))
  const [first, ...rest] = able
  if (first !== undefined) return [first, ...rest]
  throw new GatewayError('endpoint_not_offered', {
    public: `The model "${model}" is not offered on ${path}.`,
    param: 'model',
  })
}
