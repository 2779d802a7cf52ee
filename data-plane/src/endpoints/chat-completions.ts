/** POST /chat/completions: the call most people mean. */
import type { ForwardedEndpoint } from './endpoint.ts'

export const chatCompletions: ForwardedEndpoint = {
  kind: 'forwarded',
  name: 'chat.completions',
  method: 'POST',
  path: '/chat/completions',
  datedAt: 'deployment',
  defaultModel: null,
  bodyBytesMax: 25 * 1024 * 1024,
  outputFields: ['max_completion_tokens', 'max_tokens'],
  unsaidOutputTokens: null,
  choiceFields: ['n'],
  streamUsage: 'on-request',
  billedBeside: ['service_tier'],
  metered: true,
  finalMarks: ['\ndata: [DONE]', '\ndata:[DONE]', '"finish_reason":"', '"finish_reason": "'],
}
