/** Entries of the shipped list of models: what theirs says of a model, where we have a word for it. */
import { ListedModel } from '@headgate/domain/model-entry'
import type { Entry, SourceModel } from './source-models.ts'

/** Theirs for models that an endpoint of ours asks. Where a model is not said to serve more, its kind says what it serves. */
const servedBy: Readonly<Record<string, readonly string[] | null>> = {
  chat: null,
  responses: null,
  completion: ['completions'],
  embedding: ['embeddings'],
  moderation: ['moderations'],
}

export const servedModes: ReadonlySet<string> = new Set(Object.keys(servedBy))

const endpoints: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'chat.completions',
  '/v1/completions': 'completions',
  '/v1/responses': 'responses',
  '/v1/embeddings': 'embeddings',
  '/v1/moderations': 'moderations',
}

/** None where theirs says nothing that we ask. */
export function listedModel({ model, provider, entry }: SourceModel): ListedModel[] {
  const facts = {
    endpoints: namesIn(entry, 'supported_endpoints', endpoints) ?? servedBy[String(entry['mode'])] ?? null,
    contextTokens: contextOf(entry),
    outputTokensMax: entry['mode'] === 'embedding' ? null : countIn(entry, 'max_output_tokens'),
    inputModalities: namesIn(entry, 'supported_modalities'),
    outputModalities: namesIn(entry, 'supported_output_modalities'),
    deprecatedOn: typeof entry['deprecation_date'] === 'string' ? entry['deprecation_date'] : null,
  }
  if (Object.values(facts).every((it) => it === null)) return []
  return [ListedModel.parse({ name: model, provider, ...facts })]
}

/**
 * Theirs is the longest input. For most models that is the whole window, into which the answer must fit too; of a window
 * of 400 000 it is what the longest answer leaves (community.openai.com/t/1344734).
 */
function contextOf(entry: Entry): number | null {
  const [input, output] = [countIn(entry, 'max_input_tokens'), countIn(entry, 'max_output_tokens')]
  return input === 272_000 && output === 128_000 ? 400_000 : input
}

/** Zero stands for what it has not. */
function countIn(entry: Entry, field: string): number | null {
  const value = entry[field]
  return typeof value === 'number' && value >= 1 ? value : null
}

/** @param words ours for theirs; what has none is left out */
function namesIn(
  entry: Entry,
  field: string,
  words: Readonly<Record<string, string>> | null = null,
): string[] | null {
  const value = entry[field]
  if (!Array.isArray(value)) return null
  const ours = value.flatMap((it) => (words === null ? String(it) : (words[String(it)] ?? [])))
  return ours.length === 0 ? null : [...new Set(ours)].sort()
}
