/** Model → the deployments to try, best first. Touches nothing: the catalog and the loads are already in hand. */
import { candidatesOf, pathOf, type ServingPath } from '@headgate/domain/catalog'
import type { Chooser } from '@headgate/domain/choice'
import { modelNotFound, offeredOf } from '@headgate/domain/route-refusal'
import type { Authenticated, Candidates, Identified, Received, Routed } from './call.ts'
import type { Gateway } from './gateway.ts'

type Known = Authenticated<Identified<Received>>

/** A key of a prompt cache that is longer than this is no key. */
const CACHE_KEY_BYTES_MAX = 512

/** @throws GatewayError `model_not_found`, `endpoint_not_offered` */
export function resolveRoute(call: Known, { loads }: Pick<Gateway, 'loads'>): Routed {
  const alias = call.catalog.alias(call.model)
  if (alias === undefined) throw modelNotFound(call.model)
  // Most aliases have no rules, and their calls are asked nothing.
  const path: ServingPath = alias.rules.length === 0 ? alias : pathOf(alias, questionOf(call))
  const all = path.only ?? candidatesOf(path, chooserOf(call, loads))
  const candidates: Candidates = offeredOf(all, alias.name, call.endpoint)
  return { ...call, alias, rule: path.rule, candidates }
}

function chooserOf(call: Known, loads: Gateway['loads']): Chooser {
  return {
    random: Math.random,
    loadOf: (id) => loads.of(id),
    stickTo: () => stickinessOf(call),
  }
}

function questionOf({ caller, endpoint, request }: Known) {
  return {
    ...{ teamId: caller.teamId, appId: caller.appId, endpoint: endpoint.name },
    ...{ tags: request.head.tags, atMs: request.arrivedWallMs },
  }
}

/** A conversation, or else what the caller says shares the beginning of its prompts, or else the caller. */
function stickinessOf({ caller, request, body }: Known): string {
  if (request.head.session !== null) return `${caller.teamId} ${request.head.session}`
  const span = body.fields.spans.get('prompt_cache_key')
  // As it stands in the body, quotes and all: it is compared and never read.
  if (span !== undefined && span.end - span.start <= CACHE_KEY_BYTES_MAX)
    return `${caller.teamId} ${body.bytes.toString('latin1', span.start, span.end)}`
  return caller.keyId
}
