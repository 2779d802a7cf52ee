/**
 * A model entry is what is known of a provider's model: the endpoints it serves, how long its inputs and answers may
 * be, what it takes and gives, and when it ends. Deployments name their model in `pricedAs`, and an entry of their
 * provider goes before one of any. What an entry does not say is not known, and hinders nothing.
 */
import { z } from 'zod'
import { type EndpointName, ForwardedName } from './endpoint.ts'
import { idOf } from './id.ts'
import { MachineName } from './name.ts'
import { Provider } from './price.ts'

const Tokens = z.int().min(1).max(1_000_000_000)
const Day = z.iso.date()
const Modalities = z
  .array(z.enum(['text', 'image', 'audio', 'video', 'file']))
  .min(1)
  .max(5)

export const ModelEntry = z.object({
  id: idOf('mdl'),
  /** As prices are listed under; deployments name it in `pricedAs`. */
  name: MachineName,
  /** Whose model it is; null: of any provider. */
  provider: Provider.nullable(),
  /** What it serves; null: not known, so that every endpoint is tried. */
  endpoints: z.array(ForwardedName).min(1).max(20).nullable(),
  /** How much it reads and writes together. */
  contextTokens: Tokens.nullable(),
  /** The longest answer that it gives. */
  outputTokensMax: Tokens.nullable(),
  inputModalities: Modalities.nullable(),
  outputModalities: Modalities.nullable(),
  /** From when on the provider advises against it. */
  deprecatedOn: Day.nullable(),
  /** From when on the provider does not serve it any more. */
  retiredOn: Day.nullable(),
  note: z.string().max(500).nullable(),
  /** The list it was taken over from, with its day; null: written by hand, and no list changes it. */
  source: z.string().max(200).nullable(),
  createdAt: z.iso.datetime({ offset: true }),
})
export type ModelEntry = z.infer<typeof ModelEntry>

const said = ModelEntry.shape

/** Which model, and what a list may say of it; what is left out is not known. */
const listedFields = {
  name: said.name,
  provider: said.provider.default(null),
  endpoints: said.endpoints.default(null),
  contextTokens: said.contextTokens.default(null),
  outputTokensMax: said.outputTokensMax.default(null),
  inputModalities: said.inputModalities.default(null),
  outputModalities: said.outputModalities.default(null),
  deprecatedOn: said.deprecatedOn.default(null),
  retiredOn: said.retiredOn.default(null),
}

const daysInOrder = {
  check: (it: Pick<ModelEntry, 'deprecatedOn' | 'retiredOn'>) => isInOrder(it.deprecatedOn, it.retiredOn),
  otherwise: { path: ['retiredOn'], error: 'before `deprecated_on`' },
}

/** An entry as a list has it. */
export const ListedModel = z.strictObject(listedFields).refine(daysInOrder.check, daysInOrder.otherwise)
export type ListedModel = z.infer<typeof ListedModel>

export const NewModelEntry = z
  .strictObject({ ...listedFields, note: said.note.default(null), source: said.source.default(null) })
  .refine(daysInOrder.check, daysInOrder.otherwise)
export type NewModelEntry = z.infer<typeof NewModelEntry>

/** What gateways are told of a model. */
export const ModelFacts = ModelEntry.omit({ source: true })
export type ModelFacts = z.infer<typeof ModelFacts>

/** Another name is another model. */
export const ModelEntryChange = ModelEntry.omit({ id: true, name: true, provider: true, createdAt: true })
  .partial()
  .strict()
export type ModelEntryChange = z.infer<typeof ModelEntryChange>

/** Whether a model is advised against before it is retired, or one of the two is not known. */
export function isInOrder(deprecatedOn: string | null, retiredOn: string | null): boolean {
  return deprecatedOn === null || retiredOn === null || deprecatedOn <= retiredOn
}

/** By the names of their models, so that a catalog of thousands is not looked through for each deployment. */
export type ModelEntries = ReadonlyMap<string, readonly ModelFacts[]>

/** Puts entries in order for `modelEntryOf`. */
export function modelEntriesOf(entries: readonly ModelFacts[]): ModelEntries {
  return Map.groupBy(entries, (it) => it.name)
}

/** The entry of a model at a provider; null where there is none. */
export function modelEntryOf(entries: ModelEntries, model: string, provider: Provider): ModelFacts | null {
  const named = entries.get(model) ?? []
  return named.find((it) => it.provider === provider) ?? named.find((it) => it.provider === null) ?? null
}

/** Something that runs a model of which an entry may be known. */
export type OfModel = { readonly model: Readonly<ModelFacts> | null }

/** Whether it serves the endpoint, as far as is known. */
export function servesEndpoint({ model }: OfModel, endpoint: EndpointName): boolean {
  const served: readonly EndpointName[] | null = model?.endpoints ?? null
  return served === null || served.includes(endpoint)
}

/**
 * The most that one answer may be long: by the cap of policies, and by the longest answer of those that may give it.
 * @param capMax null where no policy says
 */
export function longestAnswer(capMax: number | null, candidates: readonly OfModel[]): number | null {
  let longest = 0
  for (const { model } of candidates) {
    const max = model === null ? null : model.outputTokensMax
    if (max === null) return capMax
    if (max > longest) longest = max
  }
  if (longest === 0) return capMax
  return capMax === null ? longest : Math.min(capMax, longest)
}

/** What is to be said of a model at a day, in the words that follow its name; null when nothing is. */
export function endingOf(
  { deprecatedOn, retiredOn }: Pick<ModelEntry, 'deprecatedOn' | 'retiredOn'>,
  day: string,
): string | null {
  if (retiredOn !== null) return `${retiredOn <= day ? 'was' : 'is to be'} retired on ${retiredOn}`
  return deprecatedOn !== null && deprecatedOn <= day ? `is deprecated since ${deprecatedOn}` : null
}
