/** POST /moderations: free at OpenAI, without usage, and the model may be left out. Azure does not have it. */
import type { ForwardedEndpoint } from './endpoint.ts'

export const moderations: ForwardedEndpoint = {
  kind: 'forwarded',
  name: 'moderations',
  method: 'POST',
  path: '/moderations',
  datedAt: 'nowhere',
  defaultModel: 'omni-moderation-latest',
  bodyBytesMax: 25 * 1024 * 1024,
  outputFields: [],
  unsaidOutputTokens: null,
  choiceFields: [],
  streamUsage: 'no-stream',
  billedBeside: [],
  metered: false,
  finalMarks: [],
}
