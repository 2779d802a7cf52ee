/** Answers what goes to no provider: models from the catalog the call arrived with, and questions about own use. */
import { modelEntry, modelList } from '../endpoints/models.ts'
import type { Reply } from '../message/reply.ts'
import type { AuthorizedLocally } from './call.ts'
import type { Gateway } from './gateway.ts'
import { ownCall } from './own-call.ts'
import { ownUse } from './own-use.ts'
import { headgateHeaders } from './reply-headers.ts'
import { settleLocal } from './settle.ts'

const NEVER_KEPT = ['cache-control', 'no-store']

/** @throws GatewayError `model_not_found`, `call_not_found`, `records_unavailable`, `limit_requests` */
export async function answerLocally(call: AuthorizedLocally, gateway: Gateway): Promise<Reply> {
  const body = Buffer.from(JSON.stringify(await answerTo(call, gateway)))
  settleLocal(call, body.length, gateway)
  const headers = ['content-type', 'application/json', ...headgateHeaders(call)]
  if (!call.endpoint.isOpenAi) headers.push(...NEVER_KEPT)
  return { status: 200, headers, body }
}

function answerTo(call: AuthorizedLocally, gateway: Gateway): unknown {
  const { caller, catalog, endpoint, name } = call
  if (endpoint.isOpenAi) {
    const rules = catalog.standing(caller.key).enforced
    return endpoint.named ? modelEntry(name, rules, catalog) : modelList(rules, catalog)
  }
  gateway.ownUsePace.take(caller.key, gateway.clock.monotonicMs())
  return endpoint.named ? ownCall(call, gateway) : ownUse(call, gateway)
}
