/**
 * What the error table cannot say of itself: when a code happens, what a caller does then, what an operator does.
 * The type asks for a line for every code, so a new code without one does not compile.
 */
import type { ErrorCode } from '@headgate/domain/gateway-error'

export type ErrorNote = { readonly when: string; readonly caller: string; readonly operator: string }

const note = (when: string, caller: string, operator = 'Nothing.'): ErrorNote => ({ when, caller, operator })

const PROVIDER_FAULT = 'Retry; the official clients do so by themselves.'

export const errorNotes: Readonly<Record<ErrorCode, ErrorNote>> = {
  invalid_request: note(
    'The head of the request can be read in two ways, is too large, or a field has the wrong form.',
    'Mend what the message names.',
  ),
  invalid_json: note(
    'The body is not one whole JSON object in UTF-8, or is nested too deeply.',
    'Send valid JSON. The message says where it breaks.',
  ),
  duplicate_key: note(
    'A field stands twice at the top of the body. Two readers could take different ones.',
    'Send each field once. `param` names it.',
  ),
  model_missing: note('Neither the body nor the path names a model.', 'Set `model`.'),
  body_too_large: note(
    'The body is larger than the endpoint takes ([endpoints](endpoints.md)), or than `request_bytes_max` of a policy.',
    'Send less in one call.',
  ),
  unsupported_content: note(
    'The body is not announced as `application/json`, or it is compressed.',
    'Send `Content-Type: application/json` and no `Content-Encoding`.',
  ),
  unknown_endpoint: note(
    'The path is not in the table of [endpoints](endpoints.md).',
    'Check the base URL: it ends with `/v1`, or is the plain origin for Azure clients.',
  ),
  method_not_allowed: note('The path exists, the method does not.', 'Use the method in the `Allow` header.'),
  key_missing: note(
    'The request holds no credential.',
    'Send `Authorization: Bearer hg_…` or `api-key: hg_…`.',
  ),
  key_invalid: note(
    'The key has a typing error, or was never issued here, or two different keys were sent.',
    'Copy the key again, whole.',
    'If all keys are refused: `HEADGATE_KEY_PEPPER` differs from the one they were made under.',
  ),
  key_expired: note('The expiry of the key has passed.', 'Ask for a new key.', 'Create a new key.'),
  key_revoked: note('The key was revoked.', 'Ask for a new key.', 'Create a new key.'),
  key_disabled: note(
    'The key is disabled. The admin API cannot disable keys yet, so this is not seen today.',
    'Ask the owner of the key.',
  ),
  model_not_found: note(
    'There is no alias of this name with a route, or this key may not see it.',
    'Take a name from `GET /v1/models`.',
    'Create the alias, and a route for it.',
  ),
  call_not_found: note(
    'No call with this id was made with this key, or its record is no longer kept. Calls of others look the same.',
    'Check the id: it is `x-request-id` of the answer. Right after a call, ask again a few seconds later.',
  ),
  model_not_allowed: note(
    'The alias exists; a policy denies it, or the narrowest level that has an allow list leaves it out.',
    'Take a name from `GET /v1/models`.',
    'The sentence names the policy, or the level whose `allowed_models` leave it out.',
  ),
  endpoint_not_allowed: note(
    'A policy denies the endpoint, or the narrowest level that has an allow list leaves it out.',
    'Use another endpoint, or ask for this one.',
    'The sentence names the policy. An allow list that forgets `models.list` also hides the list of models.',
  ),
  resource_not_allowed: note(
    'The model is allowed, but policies allow none of the resources that serve it.',
    'Take a name from `GET /v1/models`.',
    'Route the alias to a deployment at an allowed resource, or change the policy that the sentence names.',
  ),
  context_length_exceeded: note(
    'The estimate of the input is over `input_tokens_max` of a policy. Without `headgate` in the body it is the provider who says so.',
    'Send a shorter prompt; the sentence says what was counted.',
    'The estimate is a token for four bytes. Raise the cap if it is too tight for the texts in use.',
  ),
  max_tokens_over_cap: note(
    'The ceiling the caller set for an answer is over `output_tokens_max` of a policy, or is no number.',
    'Ask for no more than the sentence says, or leave the ceiling out.',
    'Raise the cap of the policy, or give the key a policy of its own; the smallest cap of all levels holds.',
  ),
  choices_over_cap: note(
    '`n` or `best_of` is over `choices_max` of a policy, or is no number.',
    'Ask for fewer answers in one call.',
    'Raise the cap of the policy; the smallest cap of all levels holds.',
  ),
  endpoint_not_offered: note(
    'No deployment behind the model can serve this endpoint, such as moderations at Azure.',
    'Take another model for this endpoint.',
    'Route the alias to a deployment at a provider that offers the endpoint.',
  ),
  limit_requests: note(
    'The requests per minute of the key are used up for now.',
    'Wait as long as `retry-after-ms` says. A limit of zero, which no wait can help, has no such header.',
    'Raise the limit by issuing a new key with a higher one.',
  ),
  limit_tokens: note(
    'The tokens per minute of the key do not cover the estimate of this call.',
    'Wait, ask for less output (`max_completion_tokens`), or send a shorter prompt.',
    'Raise the limit by issuing a new key with a higher one.',
  ),
  limit_concurrency: note(
    'As many calls are under way as a limit of key, user, app or team allows at once.',
    'Wait for one of them to end; the official clients try again by themselves.',
    'Raise the limit if the calls are wanted.',
  ),
  budget_exhausted: note(
    'A budget of the key, its user, its app or its team blocks, and what is spent and held leaves no room for this call.',
    'Wait until the budget begins anew, at the time the sentence names, or ask its owner for more. Official clients do not retry.',
    'Raise the amount, or the part at which it blocks: `PATCH /budgets/{id}`. See [budgets](../guides/budgets.md).',
  ),
  budget_throttled: note(
    'A budget is spent so far that its `throttle` step holds its calls to a pace.',
    'Wait as long as `retry-after-ms` says; the official clients do so by themselves.',
    'Raise the amount or the pace of the step. See [budgets](../guides/budgets.md).',
  ),
  price_unknown: note(
    'A budget that blocks counts the call, and no deployment of the model has a price in its currency.',
    'Take a model that has a price.',
    'Set the price: `POST /prices`, for the model that `priced_as` of the deployment names.',
  ),
  limiter_unavailable: note(
    'Limits could not be judged in time and no local share could take over, or what a budget that blocks has spent is not known right now.',
    PROVIDER_FAULT,
    'See the runbook [redis-down](../runbooks/redis-down.md).',
  ),
  records_unavailable: note(
    'No control plane answered in time what became of a call, or too many asked at once.',
    'Ask again after `Retry-After`. Calls themselves are served all the while.',
    'Check that a control plane runs and reaches Postgres and Redis.',
  ),
  upstream_quota: note(
    'The last deployment tried answered 429: the quota at the provider is used up.',
    'Wait as told. It is not your own limit.',
    'See the runbook [upstream-throttled](../runbooks/upstream-throttled.md).',
  ),
  upstream_capacity: note(
    'The last deployment tried answered 503.',
    PROVIDER_FAULT,
    'See the runbook [upstream-throttled](../runbooks/upstream-throttled.md).',
  ),
  upstream_auth: note(
    'The secret of the resource cannot be had, or the provider answered 401 or 403.',
    'Tell whoever runs the gateway, with the request id.',
    'Set the variable that `secret_ref` of the resource names, where the data plane runs, or correct the credential. The log names a reference that cannot be had.',
  ),
  upstream_timeout: note(
    'No connection within 3 s, no head in time, or silence in the middle of an answer.',
    PROVIDER_FAULT,
    'Check the network to the provider, and its status page.',
  ),
  upstream_error: note(
    'The provider could not be reached, answered 500, sent a redirect, or broke HTTP.',
    PROVIDER_FAULT,
    'Check the origin of the resource, and the status page of the provider.',
  ),
  upstream_truncated: note(
    'The answer broke off before it was whole. In a stream this is an error event, then a cut connection.',
    'Discard what came, and retry.',
    'If it repeats, look for a proxy on the way that closes long connections.',
  ),
  no_healthy_deployment: note(
    'No deployment was left to try.',
    PROVIDER_FAULT,
    'Check the route of the alias.',
  ),
  client_closed: note(
    'The caller hung up before the answer. It is seen in usage records only.',
    'Nothing.',
    'Many of these point to a time-out at the caller that is too short.',
  ),
  request_timeout: note(
    'Head and body of the request did not arrive within the time allowed (10 s and 60 s).',
    'Send the request again, faster.',
  ),
  journal_full: note(
    'The usage journal of the gateway is full or cannot be written, so a call that costs something could go unrecorded.',
    'Retry; the official clients do so by themselves. Nothing was sent.',
    'See [usage stays in the journal](../runbooks/usage-stays-in-the-journal.md).',
  ),
  overloaded: note('The process has 10 000 requests open.', PROVIDER_FAULT, 'Run more data planes.'),
  draining: note(
    'The process is shutting down and the time for open streams was up (`HEADGATE_DRAIN_MS`).',
    'Send the call again.',
    'Raise `HEADGATE_DRAIN_MS` if long streams are normal here.',
  ),
  loop_detected: note(
    'A resource points back at this gateway.',
    'Nothing.',
    'Correct the origin of the resource.',
  ),
  not_ready: note(
    'The process has no catalog yet, or a key it has not seen lately cannot be looked up.',
    PROVIDER_FAULT,
    'Check Redis and the control plane. See [redis-down](../runbooks/redis-down.md).',
  ),
  internal_error: note(
    'A fault of ours.',
    'Report it, with the request id.',
    'The log line with this request id has the cause.',
  ),
}
