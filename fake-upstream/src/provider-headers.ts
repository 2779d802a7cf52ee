/**
 * The headers a provider sends with its answers, some of which a gateway must not pass on: rate limits of the
 * account, the organisation, a cookie, the name of the server.
 */
import type { Asked } from './answer.ts'
import type { ApiStyle } from './api-style.ts'

const REQUESTS_LIMIT = 10_000
const TOKENS_LIMIT = 2_000_000

/** Names and values in turn, as `writeHead` takes them fastest. */
export type HeaderList = string[]

/**
 * The headers of an answer. `seed` makes the request id; `model` is the deployment Azure names; `promptTokens`
 * are taken off the remaining tokens. OpenAI writes resets as durations, Azure as plain numbers.
 */
export function providerHeaders(
  style: ApiStyle,
  { seed, model, promptTokens }: Pick<Asked, 'seed' | 'model'> & { promptTokens: number },
): HeaderList {
  const remaining = String(Math.max(0, TOKENS_LIMIT - promptTokens))
  const common = [
    'x-request-id',
    `req_${seed}`,
    'x-ratelimit-limit-requests',
    String(REQUESTS_LIMIT),
    'x-ratelimit-limit-tokens',
    String(TOKENS_LIMIT),
    'x-ratelimit-remaining-requests',
    String(REQUESTS_LIMIT - 1),
    'x-ratelimit-remaining-tokens',
    remaining,
    'x-ratelimit-reset-requests',
    style === 'openai' ? '6ms' : '1',
    'x-ratelimit-reset-tokens',
    style === 'openai' ? '6m0s' : '10',
    'set-cookie',
    '__fake_session=not-for-callers; Path=/; HttpOnly',
    'server',
    'fake-upstream',
    'strict-transport-security',
    'max-age=31536000; includeSubDomains; preload',
  ]
  return [...common, ...(style === 'openai' ? openaiHeaders() : azureHeaders(seed, model))]
}

function openaiHeaders(): HeaderList {
  return [
    'openai-processing-ms',
    '12',
    'openai-organization',
    'org-fake-upstream',
    'openai-project',
    'proj_fake_upstream',
    'openai-version',
    '2020-10-01',
  ]
}

function azureHeaders(seed: string, model: string): HeaderList {
  // Header values are Latin-1; a deployment name may not be.
  const deployment = encodeURIComponent(model)
  return [
    'apim-request-id',
    `apim-${seed}`,
    'x-ms-region',
    'Sweden Central',
    'x-ms-deployment-name',
    deployment,
  ]
}
