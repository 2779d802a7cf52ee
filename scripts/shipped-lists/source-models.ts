/** LiteLLM's public list of models (MIT) as it is written, and which of its models are ours to name. */

export type Entry = Readonly<Record<string, unknown>>

const providers = {
  openai: 'openai',
  'text-completion-openai': 'openai',
  azure: 'azure',
  azure_text: 'azure',
} as const

export type SourceModel = {
  readonly model: string
  readonly provider: 'openai' | 'azure'
  readonly entry: Entry
}

/** Those of OpenAI and Azure. One can stand twice, with its provider in its name and without; the first counts. */
export function sourceModels(
  list: Readonly<Record<string, Entry>>,
  modes: ReadonlySet<string>,
): SourceModel[] {
  return Object.entries(list).flatMap(([name, entry]): SourceModel[] => {
    const provider = providers[String(entry['litellm_provider']) as keyof typeof providers]
    const model = name.replace(/^(azure|text-completion-openai)\//, '')
    // What has a slash left is a region, a size or a step count, not a model that a deployment can name.
    if (provider === undefined || !modes.has(String(entry['mode'])) || model.includes('/')) return []
    return [{ model, provider, entry }]
  })
}
