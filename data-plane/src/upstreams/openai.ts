/** OpenAI: `/v1/…`, a bearer key. */
import { passedQuery, type Upstream } from './upstream.ts'

export const openai: Upstream = {
  apiStyle: 'openai',
  path: (endpoint, _deployment, query) => `/v1${endpoint.path}${passedQuery(query, '?')}`,
  credential: (secret) => ['authorization', `Bearer ${secret}`],
}
