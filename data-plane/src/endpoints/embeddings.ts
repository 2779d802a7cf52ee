/** POST /embeddings: input only, so there is no output to cap. */
import type { ForwardedEndpoint } from './endpoint.ts'

export const embeddings: ForwardedEndpoint = {
  kind: 'forwarded',
  name: 'embeddings',
  method: 'POST',
  path: '/embeddings',
  datedAt: 'deployment',
  defaultModel: null,
  bodyBytesMax: 25 * 1024 * 1024,
  outputFields: [],
  unsaidOutputTokens: null,
  choiceFields: [],
  streamUsage: 'no-stream',
  billedBeside: [],
  metered: true,
  finalMarks: [],
}
