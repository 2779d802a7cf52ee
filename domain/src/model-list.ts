/**
 * A model list is what somebody published of many models at one date: the one that is shipped, or one's own. It is
 * compared with the entries there are first; what differs can then be taken over. What was written by hand stays.
 */
import { z } from 'zod'
import { canonicalJson } from './canonical-json.ts'
import { Day } from './exchange-rate.ts'
import { idOf } from './id.ts'
import { ListedModel, type ModelEntry } from './model-entry.ts'

const MODELS_MAX = 2000

export const ModelList = z.strictObject({
  /** Kept with each entry that is taken over. */
  source: z.string().min(1).max(180),
  /** The day it speaks of. */
  day: Day,
  models: z
    .array(ListedModel)
    .min(1)
    .max(MODELS_MAX)
    .refine((all) => new Set(all.map(nameOf)).size === all.length, {
      error: 'the same model of the same provider stands twice',
    }),
})
export type ModelList = z.infer<typeof ModelList>

const { name, provider, ...facts } = ListedModel.shape

export const ModelDifference = z.object({
  /** Null for a model of which there is no entry. */
  ...{ name, provider, before: z.object({ id: idOf('mdl'), ...facts }).nullable(), after: z.object(facts) },
})
export type ModelDifference = z.infer<typeof ModelDifference>

export type ModelComparison = {
  readonly differences: ModelDifference[]
  readonly unchanged: number
  /** Of how many models there is an entry that was written by hand. */
  readonly byHand: number
}

/** How a list differs from the entries that came from lists, in the order of the list. */
export function modelDifferences(list: ModelList, entries: readonly ModelEntry[]): ModelComparison {
  const byName = new Map(entries.map((it) => [nameOf(it), it]))
  const held = list.models.map((listed) => ({ listed, now: byName.get(nameOf(listed)) ?? null }))
  const open = held.filter(({ now }) => now === null || now.source !== null)
  const differences = open.flatMap(({ listed, now }): ModelDifference[] => {
    const [before, after] = [now && factsOf(now), factsOf(listed)]
    if (before !== null && asSaid(before) === asSaid(after)) return []
    const { name, provider } = listed
    return [{ name, provider, before: before && now && { id: now.id, ...before }, after }]
  })
  return {
    differences,
    unchanged: open.length - differences.length,
    byHand: held.length - open.length,
  }
}

type Facts = ModelDifference['after']

function factsOf(it: Facts): Facts {
  const { endpoints, contextTokens, outputTokensMax, inputModalities, outputModalities } = it
  const { deprecatedOn, retiredOn } = it
  return {
    ...{ endpoints, contextTokens, outputTokensMax, inputModalities, outputModalities },
    ...{ deprecatedOn, retiredOn },
  }
}

/** As text; the order of endpoints and modalities says nothing. */
function asSaid(facts: Facts): string {
  const values = Object.values(facts).map((it) => (Array.isArray(it) ? it.toSorted() : it))
  return canonicalJson(values)
}

function nameOf({ name, provider }: Pick<ListedModel, 'name' | 'provider'>): string {
  return `${name} ${provider}`
}
