/** GET /models and /models/{model}: answered from the catalog, and only with what the caller may use. */

import type { Caller } from '@headgate/domain/caller'
import type { Catalog, ServingAlias } from '@headgate/domain/catalog'
import { GatewayError } from '@headgate/domain/gateway-error'
import { mayUseModel } from '@headgate/domain/model-alias'
import type { LocalEndpoint } from './endpoint.ts'

export const listModels: LocalEndpoint = {
  kind: 'local',
  name: 'models.list',
  method: 'GET',
  path: '/models',
  named: false,
}

export const retrieveModel: LocalEndpoint = {
  kind: 'local',
  name: 'models.retrieve',
  method: 'GET',
  path: '/models',
  named: true,
}

/** What limits the caller's choice of models: the key, its app and its team. A level that is gone allows nothing. */
export function accessLevels(caller: Caller, catalog: Catalog) {
  const app = catalog.app(caller.appId)
  const team = catalog.team(caller.teamId)
  return [caller.key.allowedModels, app ? app.allowedModels : [], team ? team.allowedModels : []]
}

/** The OpenAI list of the aliases this caller may use, in the order of their names. */
export function modelList(caller: Caller, catalog: Catalog): unknown {
  const levels = accessLevels(caller, catalog)
  const data = catalog.aliases.filter((alias) => mayUseModel(alias.name, levels)).map(describe)
  return { object: 'list', data }
}

/**
 * One model in OpenAI's shape.
 * @throws GatewayError `model_not_found` for what does not exist and for what the caller may not use, alike
 */
export function modelEntry(name: string, caller: Caller, catalog: Catalog): unknown {
  const alias = catalog.alias(name)
  if (alias && mayUseModel(alias.name, accessLevels(caller, catalog))) return describe(alias)
  throw modelNotFound(name)
}

/** One answer for what does not exist and what is not for this caller's eyes. */
export function modelNotFound(name: string): GatewayError {
  return new GatewayError('model_not_found', {
    public: `No model named "${name.slice(0, 64)}" is offered to this key. GET /v1/models lists those that are.`,
    param: 'model',
  })
}

function describe(alias: ServingAlias): unknown {
  return { id: alias.name, object: 'model', created: alias.createdAtSeconds, owned_by: 'headgate' }
}
