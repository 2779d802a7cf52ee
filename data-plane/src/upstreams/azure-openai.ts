/**
 * Azure OpenAI in its two forms: `/openai/v1/…`, where the body names the deployment, and the dated API,
 * where the path does and `api-version` is mandatory. Both take the key in `api-key`.
 */
import type { ForwardedEndpoint } from '../endpoints/endpoint.ts'
import { passedQuery, type Upstream } from './upstream.ts'

const apiKey = (secret: string) => ['api-key', secret] as const

/** Endpoints that Azure does not have in either form. */
const offered = (endpoint: ForwardedEndpoint) => endpoint.datedAt !== 'nowhere'

export const azureV1: Upstream = {
  apiStyle: 'azure-v1',
  path: (endpoint, _deployment, query) =>
    offered(endpoint) ? `/openai/v1${endpoint.path}${passedQuery(query, '?')}` : null,
  credential: apiKey,
}

export const azureDated: Upstream = {
  apiStyle: 'azure-dated',
  path: (endpoint, deployment, query) => {
    if (!offered(endpoint)) return null
    const version = `?api-version=${deployment.resource.apiVersion ?? ''}${passedQuery(query, '&')}`
    if (endpoint.datedAt === 'resource') return `/openai${endpoint.path}${version}`
    return `/openai/deployments/${encodeURIComponent(deployment.upstreamModel)}${endpoint.path}${version}`
  },
  credential: apiKey,
}
