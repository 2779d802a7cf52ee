/**
 * A catalog difference is one thing that two catalogs say differently: added, removed or changed. Made by
 * comparing documents and not by remembering writes, so it is right however the two came about.
 */
import { z } from 'zod'
import type { BudgetRaise } from './budget-override.ts'
import { canonicalJson } from './canonical-json.ts'
import type { CatalogDocument } from './catalog.ts'

export const CatalogDifference = z.object({
  /** The part of the catalog it stands in, as `routes`. */
  kind: z.string(),
  id: z.string(),
  name: z.string().nullable(),
  change: z.enum(['added', 'removed', 'changed']),
  /** Of a changed thing, the fields that differ; otherwise all of it, or null where it is not. */
  before: z.unknown(),
  after: z.unknown(),
})
export type CatalogDifference = z.infer<typeof CatalogDifference>

type Thing = { readonly id: string; readonly [field: string]: unknown }

/**
 * What the second catalog says differently, in the order of its parts. Null stands for no catalog. An override of a
 * budget that had ended when the later one was made has changed nothing in it, though it is not there any more.
 */
export function catalogDifferences(
  before: CatalogDocument | null,
  after: CatalogDocument | null,
): CatalogDifference[] {
  const madeAtMs = Math.max(...[before, after].map((it) => (it === null ? 0 : Date.parse(it.compiledAt))))
  const [old, now] = [partsOf(before, madeAtMs), partsOf(after, madeAtMs)]
  const kinds = new Set([...now.keys(), ...old.keys()])
  return [...kinds].flatMap((kind) => partDifferences(kind, old.get(kind) ?? [], now.get(kind) ?? []))
}

function partsOf(document: CatalogDocument | null, madeAtMs: number): Map<string, readonly Thing[]> {
  const entries = Object.entries(document ?? {}) as [string, unknown][]
  const parts = entries.filter((entry): entry is [string, Thing[]] => Array.isArray(entry[1]))
  return new Map(
    parts.map(([kind, things]) => [
      kind,
      kind === 'budgets' ? things.map((it) => withoutEnded(it, madeAtMs)) : things,
    ]),
  )
}

/** Budgets of documents from before there were overrides have none. */
function withoutEnded(budget: Thing, madeAtMs: number): Thing {
  const overrides = (budget['overrides'] ?? []) as readonly BudgetRaise[]
  return { ...budget, overrides: overrides.filter((it) => Date.parse(it.effectiveTo) > madeAtMs) }
}

function partDifferences(kind: string, old: readonly Thing[], now: readonly Thing[]): CatalogDifference[] {
  const was = new Map(old.map((it) => [it.id, it]))
  const is = new Map(now.map((it) => [it.id, it]))
  const found: CatalogDifference[] = []
  const say = (it: Thing, change: CatalogDifference['change'], sides: { before: unknown; after: unknown }) =>
    found.push({
      kind,
      id: it.id,
      name: typeof it['name'] === 'string' ? it['name'] : null,
      change,
      ...sides,
    })
  for (const it of now) {
    const before = was.get(it.id)
    if (before === undefined) say(it, 'added', { before: null, after: it })
    else {
      const fields = differingFields(before, it)
      if (fields.length > 0) say(it, 'changed', { before: only(before, fields), after: only(it, fields) })
    }
  }
  for (const it of old) if (!is.has(it.id)) say(it, 'removed', { before: it, after: null })
  return found
}

function differingFields(before: Thing, after: Thing): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...fields].filter(
    (field) => canonicalJson(before[field] ?? null) !== canonicalJson(after[field] ?? null),
  )
}

function only(thing: Thing, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, thing[field] ?? null]))
}
