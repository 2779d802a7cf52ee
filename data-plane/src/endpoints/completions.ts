/** POST /completions: the legacy text form; `best_of` makes answers that are billed though never shown. */
import type { ForwardedEndpoint } from './endpoint.ts'

export const completions: ForwardedEndpoint = {
  kind: 'forwarded',
  name: 'completions',
  method: 'POST',
  path: '/completions',
  datedAt: 'deployment',
  defaultModel: null,
  bodyBytesMax: 2 * 1024 * 1024,
  outputFields: ['max_tokens'],
  unsaidOutputTokens: 16,
  choiceFields: ['n', 'best_of'],
  streamUsage: 'on-request',
  billedBeside: [],
  metered: true,
  finalMarks: ['\ndata: [DONE]', '\ndata:[DONE]', '"finish_reason":"', '"finish_reason": "'],
}
