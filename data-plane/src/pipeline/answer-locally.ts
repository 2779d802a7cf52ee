/** Answers the model endpoints from the catalog the call arrived with. */
import { modelEntry, modelList } from '../endpoints/models.ts'
import type { Reply } from '../message/reply.ts'
import type { AuthorizedLocally } from './call.ts'
import type { Gateway } from './gateway.ts'
import { headgateHeaders } from './reply-headers.ts'
import { settleLocal } from './settle.ts'

/** @throws GatewayError `model_not_found` */
export function answerLocally(call: AuthorizedLocally, gateway: Gateway): Reply {
  const { caller, catalog, endpoint, name } = call
  const rules = catalog.standing(caller.key).enforced
  const answer = endpoint.named ? modelEntry(name, rules, catalog) : modelList(rules, catalog)
  const body = Buffer.from(JSON.stringify(answer))
  settleLocal(call, body.length, gateway)
  return { status: 200, headers: ['content-type', 'application/json', ...headgateHeaders(call)], body }
}
