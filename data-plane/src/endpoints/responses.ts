/** POST /responses (create): streams named events and tells its usage in the last one, without being asked. */
import type { ForwardedEndpoint } from './endpoint.ts'

export const responses: ForwardedEndpoint = {
  kind: 'forwarded',
  name: 'responses',
  method: 'POST',
  path: '/responses',
  datedAt: 'resource',
  defaultModel: null,
  bodyBytesMax: 25 * 1024 * 1024,
  outputFields: ['max_output_tokens'],
  unsaidOutputTokens: null,
  choiceFields: [],
  streamUsage: 'last-event',
  billedBeside: ['service_tier', 'tool_usage'],
  metered: true,
  finalMarks: ['\nevent: response.completed', '\nevent: response.incomplete', '\nevent: response.failed'],
}
