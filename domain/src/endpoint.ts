/**
 * An endpoint is one path of the OpenAI API that the gateway serves. Here stand the names of all of them, for
 * whoever speaks of endpoints without serving them (policies); how each is served is the data plane's.
 */
import { z } from 'zod'

export const EndpointName = z.enum([
  'chat.completions',
  'completions',
  'embeddings',
  'responses',
  'moderations',
  'models.list',
  'models.retrieve',
  'headgate.me',
  'headgate.requests',
])
export type EndpointName = z.infer<typeof EndpointName>
