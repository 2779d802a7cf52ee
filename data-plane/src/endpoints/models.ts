/** GET /models and /models/{model}: answered from the catalog, and only with what the caller may use. */

import type { Catalog, ServingAlias } from '@headgate/domain/catalog'
import { judgeModel, type Rules } from '@headgate/domain/policy'
import { modelNotFound } from '@headgate/domain/route-refusal'
import type { LocalEndpoint } from './endpoint.ts'

export const listModels: LocalEndpoint = {
  kind: 'local',
  name: 'models.list',
  method: 'GET',
  path: '/models',
  named: false,
  isOpenAi: true,
}

export const retrieveModel: LocalEndpoint = {
  kind: 'local',
  name: 'models.retrieve',
  method: 'GET',
  path: '/models',
  named: true,
  isOpenAi: true,
}

/** The OpenAI list of the aliases that the caller's rules let it use, in the order of their names. */
export function modelList(rules: Rules | null, catalog: Catalog): unknown {
  const data = offeredModels(rules, catalog).map(describe)
  return { object: 'list', data }
}

/** The aliases that the caller's rules let it use, in the order of their names. */
export function offeredModels(rules: Rules | null, catalog: Catalog): readonly ServingAlias[] {
  return catalog.aliases.filter((alias) => isOffered(alias, rules))
}

/**
 * One model in OpenAI's shape.
 * @throws GatewayError `model_not_found` for what does not exist and for what the caller may not use, alike
 */
export function modelEntry(name: string, rules: Rules | null, catalog: Catalog): unknown {
  const alias = catalog.alias(name)
  if (alias && isOffered(alias, rules)) return describe(alias)
  throw modelNotFound(name)
}

function isOffered(alias: ServingAlias, rules: Rules | null): boolean {
  if (rules === null) return true
  return judgeModel(rules, alias.name, alias.deployments) === null
}

/** With what holds for all of its deployments, where that is known of each. */
function describe({ name, createdAtSeconds, deployments }: ServingAlias): unknown {
  const context = leastOf(deployments, 'contextTokens')
  const output = leastOf(deployments, 'outputTokensMax')
  return {
    ...{ id: name, object: 'model', created: createdAtSeconds, owned_by: 'headgate' },
    ...(context === null ? {} : { context_window: context }),
    ...(output === null ? {} : { max_output_tokens: output }),
  }
}

function leastOf(
  deployments: ServingAlias['deployments'],
  field: 'contextTokens' | 'outputTokensMax',
): number | null {
  const known = deployments.flatMap(({ model }) => model?.[field] ?? [])
  return known.length === 0 || known.length < deployments.length ? null : Math.min(...known)
}
