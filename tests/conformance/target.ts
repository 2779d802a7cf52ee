/**
 * What the conformance suite is aimed at: a gateway of its own over the fake upstream, or a running one whose
 * address the environment gives. Every way an official client can reach it is one row here.
 */
import OpenAI, { AzureOpenAI } from 'openai'
import { STYLE_PREFIXES, styles } from '../gateway/demo-catalog.ts'
import { startGateway, type TestGateway } from '../gateway/harness.ts'
import { givenGateway } from '../servers/environment.ts'

export type Target = {
  readonly origin: string
  readonly key: string
  /** The gateway of this process, for what only its inside can show; null for one far away. */
  readonly own: TestGateway | null
  readonly chatModels: readonly string[]
  readonly embeddingModels: readonly string[]
  close(): Promise<void>
}

/** Starts or finds the gateway. */
export async function openTarget(): Promise<Target> {
  const given = givenGateway()
  if (given !== null) {
    const { origin, key, chatModel, embeddingModel } = given
    const models = { chatModels: [chatModel], embeddingModels: [embeddingModel] }
    return { origin, key, own: null, ...models, close: async () => {} }
  }
  const own = await startGateway({ fake: { keepAnswers: true } })
  const inEveryStyle = (model: string) => styles.map((style) => STYLE_PREFIXES[style] + model)
  return {
    ...{ origin: own.origin, key: own.keys.normal, own },
    chatModels: inEveryStyle('gpt-4o'),
    embeddingModels: inEveryStyle('demo-embed'),
    close: own.stop,
  }
}

/** True when the suite runs against a gateway far away, where the provider's side cannot be seen. */
export const isFarAway = givenGateway() !== null

export const API_VERSION = '2024-10-21'

/** The official clients, each with nothing changed but address and key. */
export const clients = {
  'OpenAI at /v1': ({ origin, key }: Target, apiKey = key): OpenAI =>
    new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 }),
  'OpenAI at /openai/v1': ({ origin, key }: Target, apiKey = key): OpenAI =>
    new OpenAI({ baseURL: `${origin}/openai/v1`, apiKey, maxRetries: 0 }),
  'AzureOpenAI by endpoint': ({ origin, key }: Target, apiKey = key): OpenAI =>
    new AzureOpenAI({ endpoint: origin, apiKey, apiVersion: API_VERSION, maxRetries: 0 }),
} as const

export type ClientName = keyof typeof clients
export const clientNames = Object.keys(clients) as ClientName[]

/** What a promise was rejected with; fails when it was not. */
export async function refusalOf(call: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await call
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error
    throw error
  }
  throw new Error('the call was not refused')
}
