/** What is known of a model holds at its provider, and what is not known hinders nothing. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  endingOf,
  longestAnswer,
  type ModelEntry,
  modelEntriesOf,
  modelEntryOf,
  NewModelEntry,
  servesEndpoint,
} from './model-entry.ts'

const entry = (more: Partial<ModelEntry>): ModelEntry => ({
  ...{ id: 'mdl_1', createdAt: '2026-01-01T00:00:00Z' },
  ...NewModelEntry.parse({ name: 'm' }),
  ...more,
})
const of = (outputTokensMax: number | null | undefined) => ({
  model: outputTokensMax === undefined ? null : entry({ outputTokensMax }),
})

test('an entry of the provider goes before one of any, and one of another is none', () => {
  const [any, azure] = [entry({ id: 'any' }), entry({ id: 'azure', provider: 'azure' })]
  const other = entry({ id: 'other', name: 'n' })
  expect(modelEntryOf(modelEntriesOf([any, azure, other]), 'm', 'azure')?.id).toBe('azure')
  expect(modelEntryOf(modelEntriesOf([any, azure, other]), 'm', 'openai')?.id).toBe('any')
  expect(modelEntryOf(modelEntriesOf([azure]), 'm', 'openai')).toBeNull()
})

test('an endpoint is served unless the entry names others', () => {
  expect(servesEndpoint({ model: null }, 'embeddings')).toBe(true)
  expect(servesEndpoint({ model: entry({}) }, 'embeddings')).toBe(true)
  expect(servesEndpoint({ model: entry({ endpoints: ['embeddings'] }) }, 'embeddings')).toBe(true)
  expect(servesEndpoint({ model: entry({ endpoints: ['responses'] }) }, 'embeddings')).toBe(false)
})

test('the longest answer is that of the longest model, under the cap, and unknown as soon as one is unknown', () => {
  const max = fc.option(fc.integer({ min: 1, max: 1_000_000 }))
  fc.assert(
    fc.property(
      max,
      fc.array(fc.option(max, { nil: undefined }), { minLength: 1, maxLength: 5 }),
      (cap, all) => {
        const isKnown = all.every((it) => it !== undefined && it !== null)
        const longest = isKnown ? Math.max(...(all as number[])) : Infinity
        const expected = Math.min(longest, cap ?? Infinity)
        expect(longestAnswer(cap, all.map(of))).toBe(expected === Infinity ? null : expected)
      },
    ),
  )
  expect(longestAnswer(7, [])).toBe(7)
})

test('what ends is said with its day, and days out of order are refused', () => {
  const days = (deprecatedOn: string | null, retiredOn: string | null) => ({ deprecatedOn, retiredOn })
  expect(endingOf(days(null, null), '2026-11-01')).toBeNull()
  expect(endingOf(days('2026-12-01', null), '2026-11-01')).toBeNull()
  expect(endingOf(days('2026-11-01', null), '2026-11-01')).toBe('is deprecated since 2026-11-01')
  expect(endingOf(days('2026-10-01', '2026-12-01'), '2026-11-01')).toBe('is to be retired on 2026-12-01')
  expect(endingOf(days(null, '2026-11-01'), '2026-11-01')).toBe('was retired on 2026-11-01')
  const wrong = { name: 'm', ...days('2026-12-01', '2026-11-01') }
  expect(NewModelEntry.safeParse(wrong).error?.issues[0]?.path).toEqual(['retiredOn'])
})
