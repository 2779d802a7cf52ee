/**
 * An endpoint is one path of the OpenAI API that the gateway serves. Here stand the names of all of them, for
 * whoever speaks of endpoints without serving them (policies); how each is served is the data plane's.
 */
import { z } from 'zod'
import type { ApiStyle } from './resource.ts'

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

/** What whoever speaks of an endpoint without a body at hand has to know of it. */
export type EndpointFacts = {
  readonly path: string
  /** The field that caps its answers, in the form that holds today; null when they have no length. */
  readonly outputField: string | null
  /** The field that multiplies its answers. */
  readonly choicesField: string | null
  /** Whether its answers are billed by the token. */
  readonly metered: boolean
  /** Whether Azure has it. */
  readonly atAzure: boolean
}

/** Those that the gateway answers itself. */
const localNames = ['models.list', 'models.retrieve', 'headgate.me', 'headgate.requests'] as const
type LocalName = (typeof localNames)[number]
type ForwardedName = Exclude<EndpointName, LocalName>

const facts = (
  path: string,
  [outputField, choicesField]: readonly [string | null, string | null],
  more: Partial<EndpointFacts> = {},
): EndpointFacts => ({ path, outputField, choicesField, metered: true, atAzure: true, ...more })

const table: Readonly<Record<ForwardedName, EndpointFacts>> = {
  'chat.completions': facts('/chat/completions', ['max_completion_tokens', 'n']),
  completions: facts('/completions', ['max_tokens', 'n']),
  embeddings: facts('/embeddings', [null, null]),
  responses: facts('/responses', ['max_output_tokens', null]),
  moderations: facts('/moderations', [null, null], { metered: false, atAzure: false }),
}

/** The endpoints that are forwarded to providers. */
export const ForwardedName = EndpointName.exclude(localNames)

/** Null for what the gateway answers itself. */
export function endpointFacts(name: EndpointName): EndpointFacts | null {
  return isLocal(name) ? null : table[name]
}

function isLocal(name: EndpointName): name is LocalName {
  return (localNames as readonly EndpointName[]).includes(name)
}

/** Whether a provider of this style has the endpoint. */
export function isOfferedAt(name: EndpointName, apiStyle: ApiStyle): boolean {
  return apiStyle === 'openai' || (endpointFacts(name)?.atAzure ?? false)
}
