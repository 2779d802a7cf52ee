/** May this caller use what the route resolved to, and how much will the call weigh? Pure. */

import { GatewayError } from '@headgate/domain/gateway-error'
import { mayUseModel } from '@headgate/domain/model-alias'
import { estimateTokens } from '../endpoints/endpoint.ts'
import { accessLevels } from '../endpoints/models.ts'
import type { Authorized, Routed } from './call.ts'

/** @throws GatewayError `model_not_allowed` */
export function authorize(call: Routed): Authorized {
  if (!mayUseModel(call.alias.name, accessLevels(call.caller, call.catalog))) {
    throw new GatewayError('model_not_allowed', {
      public: `This key may not use the model "${call.alias.name}". GET /v1/models lists those it may.`,
      param: 'model',
    })
  }
  return { ...call, estimate: estimateTokens(call.endpoint, call.body) }
}
