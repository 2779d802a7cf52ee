/**
 * An upstream knows addresses and credentials of one provider style and nothing about bodies. What it makes
 * for a deployment is computed once per catalog; a call only looks it up.
 */
import type { ServingDeployment } from '@headgate/domain/catalog'
import type { ApiStyle } from '@headgate/domain/resource'
import type { ForwardedEndpoint } from '../endpoints/endpoint.ts'

export type Upstream = {
  readonly apiStyle: ApiStyle
  /**
   * The path and query for a call, or null when this provider does not offer the endpoint.
   * @param query what the caller wrote after `?`, without it; unknown parameters travel on
   */
  path(endpoint: ForwardedEndpoint, deployment: ServingDeployment, query: string): string | null
  /** The header that carries the credential: its name and value. */
  credential(secret: string): readonly [name: string, value: string]
}

/** The query without our own or the provider's version parameter, beginning with the given separator. */
export function passedQuery(query: string, separator: '?' | '&'): string {
  if (query === '') return ''
  const kept = query.split('&').filter((part) => part !== '' && !namesVersion(part))
  return kept.length === 0 ? '' : separator + kept.join('&')
}

/** However it is spelt: the provider would read an encoded name as the plain one, and perhaps believe it over ours. */
function namesVersion(part: string): boolean {
  const name = part.split('=', 1)[0] as string
  try {
    return /^api-version$/i.test(decodeURIComponent(name.replaceAll('+', ' ')).trim())
  } catch {
    // A name that cannot be decoded could be read by the provider as anything.
    return true
  }
}
