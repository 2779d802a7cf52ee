/** A list of models changes what came from lists, and nothing else, whatever there is. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ListedModel, type ModelEntry } from './model-entry.ts'
import { modelDifferences } from './model-list.ts'

const models = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    provider: fc.constantFrom(null, 'openai' as const, 'azure' as const),
    endpoints: fc.constantFrom(null, ['chat.completions', 'responses'], ['responses', 'chat.completions']),
    outputTokensMax: fc.constantFrom(null, 1, 2),
  }),
  { maxLength: 6, selector: ({ name, provider }) => `${name} ${provider}` },
)
const held = models.chain((all) =>
  fc.tuple(
    ...all.map((it) => fc.constantFrom(null, 'a list, 2026-01-01').map((source) => ({ ...it, source }))),
  ),
)
const entryOf = (it: object, n: number): ModelEntry => {
  const { source, ...listed } = it as { source: string | null }
  const id = `mdl_${String(n).padStart(26, '0')}` as ModelEntry['id']
  return { ...ListedModel.parse(listed), id, source, note: null, createdAt: '2026-01-01T00:00:00Z' }
}
const nameOf = (it: { name: string; provider: string | null }) => `${it.name} ${it.provider}`

test('each listed model is new, changed, unchanged or written by hand, and a second time none differs', () => {
  fc.assert(
    fc.property(models, held, (listed, held) => {
      const list = { source: 'x', day: '2026-01-01', models: listed.map((it) => ListedModel.parse(it)) }
      const entries = held.map(entryOf)
      const { differences, unchanged, byHand } = modelDifferences(list, entries)
      expect(differences.length + unchanged + byHand).toBe(listed.length)
      const there = new Map(entries.map((it) => [nameOf(it), it]))
      for (const it of differences) {
        expect(there.get(nameOf(it))?.id ?? null).toBe(it.before?.id ?? null)
        expect(there.get(nameOf(it))?.source).not.toBe(null)
      }
      const after = new Map(there)
      for (const [n, { before: _, after: facts, ...named }] of differences.entries())
        after.set(nameOf(named), { ...entryOf({ ...named, source: 'x' }, n + 50), ...facts })
      expect(modelDifferences(list, [...after.values()])).toEqual({
        ...{ differences: [], unchanged: unchanged + differences.length, byHand },
      })
    }),
    { seed: 5 },
  )
})
