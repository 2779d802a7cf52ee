/**
 * The route: which of the three faces of the API a path belongs to, which endpoint, and which deployment the
 * path names. `/v1/…` is OpenAI, `/openai/v1/…` Azure's v1, `/openai/…?api-version=` Azure's dated API.
 */
import { type ApiStyle, styleOf } from './api-style.ts'
import { Refused } from './refusal.ts'

export type EndpointName =
  | 'chat-completions'
  | 'completions'
  | 'embeddings'
  | 'responses'
  | 'moderations'
  | 'models-list'
  | 'models-retrieve'

export type Route = {
  style: ApiStyle
  endpoint: EndpointName
  method: 'GET' | 'POST'
  /** The deployment of the dated API, or the model of `GET /models/{model}`; null where the body names it. */
  model: string | null
}

const POSTS: ReadonlyMap<string, EndpointName> = new Map([
  ['chat/completions', 'chat-completions'],
  ['completions', 'completions'],
  ['embeddings', 'embeddings'],
  ['responses', 'responses'],
  ['moderations', 'moderations'],
])

/** Azure's dated API puts these three below a deployment and the others at the resource. */
const BELOW_DEPLOYMENT: ReadonlySet<EndpointName> = new Set(['chat-completions', 'completions', 'embeddings'])

/**
 * Finds the endpoint for a request line. `url` is the path with its query, as received.
 * Throws Refused: 404 for a path that is not there (or lacks `api-version`), 405 for a wrong method.
 */
export function findRoute(method: string, url: string): Route {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const style = styleOf(path)
  const route = matchPath(style, path)
  if (route === null) throw notFound(method, path)
  if (style === 'azure-dated' && !new URLSearchParams(url.slice(path.length)).has('api-version')) {
    throw notFound(method, `${path} without the query parameter api-version`)
  }
  if (route.method !== method) throw wrongMethod(method, path, route.method)
  return route
}

function matchPath(style: ApiStyle, path: string): Route | null {
  if (style === 'openai') return path.startsWith('/v1/') ? matchTail(style, path.slice(4)) : null
  if (style === 'azure-v1') return matchTail(style, path.slice('/openai/v1/'.length))
  const tail = path.slice('/openai/'.length)
  const deployed = /^deployments\/([^/]+)\/(.+)$/.exec(tail)
  if (deployed === null) {
    const route = matchTail(style, tail)
    return route !== null && BELOW_DEPLOYMENT.has(route.endpoint) ? null : route
  }
  const route = matchTail(style, deployed[2] ?? '')
  const model = decodeSegment(deployed[1] ?? '')
  return route !== null && model !== null && BELOW_DEPLOYMENT.has(route.endpoint) ? { ...route, model } : null
}

function matchTail(style: ApiStyle, tail: string): Route | null {
  const posted = POSTS.get(tail)
  if (posted !== undefined) {
    // Azure has no moderations endpoint.
    return posted === 'moderations' && style !== 'openai'
      ? null
      : { style, endpoint: posted, method: 'POST', model: null }
  }
  if (tail === 'models') return { style, endpoint: 'models-list', method: 'GET', model: null }
  if (!tail.startsWith('models/')) return null
  const model = decodeSegment(tail.slice('models/'.length))
  return model === null || model === '' ? null : { style, endpoint: 'models-retrieve', method: 'GET', model }
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}

function notFound(method: string, path: string): Refused {
  return new Refused({
    status: 404,
    message: `Invalid URL (${method} ${path})`,
    azure: { code: '404', message: `Resource not found: ${method} ${path}` },
  })
}

function wrongMethod(method: string, path: string, allowed: string): Refused {
  return new Refused({
    status: 405,
    message: `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`,
    code: 'method_not_supported',
    headers: { allow: allowed },
  })
}
