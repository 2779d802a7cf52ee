/**
 * Path → endpoint. An exact table: a path that is not in it, in just these bytes, does not exist, so there is
 * nothing to normalise and nothing to get round. Only the two name segments are decoded, once.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import { MachineName } from '@headgate/domain/name'
import type { ForwardedEndpoint, LocalEndpoint } from '../endpoints/endpoint.ts'
import { forwardedEndpoints, localEndpoints } from '../endpoints/index.ts'

export type Match =
  | { readonly endpoint: ForwardedEndpoint; readonly deployment: string | null }
  | { readonly endpoint: LocalEndpoint; readonly name: string }

/** OpenAI's prefix, Azure's v1 prefix. */
const PREFIXES = ['/v1', '/openai/v1'] as const
const DEPLOYMENTS = '/openai/deployments/'

const exact = new Map<string, Match>()
for (const endpoint of forwardedEndpoints) {
  for (const prefix of PREFIXES) exact.set(prefix + endpoint.path, { endpoint, deployment: null })
  if (endpoint.datedAt === 'resource') exact.set(`/openai${endpoint.path}`, { endpoint, deployment: null })
}
/** Where a name follows. */
const named: (readonly [before: string, endpoint: LocalEndpoint])[] = []
for (const endpoint of localEndpoints) {
  for (const prefix of endpoint.isOpenAi ? [...PREFIXES, '/openai'] : PREFIXES) {
    if (endpoint.named) named.push([`${prefix}${endpoint.path}/`, endpoint])
    else exact.set(prefix + endpoint.path, { endpoint, name: '' })
  }
}

const inDeployment = new Map<string, ForwardedEndpoint>()
for (const endpoint of forwardedEndpoints) {
  if (endpoint.datedAt === 'deployment') inDeployment.set(endpoint.path, endpoint)
}

/** @throws GatewayError `unknown_endpoint`, `method_not_allowed` */
export function matchPath(method: string, path: string): Match {
  const match = exact.get(path) ?? matchDeployment(path) ?? matchNamed(path)
  if (match === null) throw new GatewayError('unknown_endpoint')
  if (match.endpoint.method !== method) {
    throw new GatewayError('method_not_allowed', {
      public: `This path takes ${match.endpoint.method} only.`,
      headers: { allow: match.endpoint.method },
    })
  }
  return match
}

/** `/openai/deployments/{name}/chat/completions` and the like. */
function matchDeployment(path: string): Match | null {
  if (!path.startsWith(DEPLOYMENTS)) return null
  const end = path.indexOf('/', DEPLOYMENTS.length)
  const endpoint = end < 0 ? undefined : inDeployment.get(path.slice(end))
  const deployment = endpoint ? nameSegment(path.slice(DEPLOYMENTS.length, end)) : null
  return endpoint && deployment !== null ? { endpoint, deployment } : null
}

function matchNamed(path: string): Match | null {
  for (const [before, endpoint] of named) {
    if (!path.startsWith(before)) continue
    const name = nameSegment(path.slice(before.length))
    if (name !== null) return { endpoint, name }
  }
  return null
}

/** One decode; what then is no plain name does not match at all. */
function nameSegment(segment: string): string | null {
  try {
    const name = decodeURIComponent(segment)
    return MachineName.safeParse(name).success ? name : null
  } catch {
    return null
  }
}
