/** Names on the wire and names in our code map onto each other, one to one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { contract } from './index.ts'
import type { Operation } from './operation.ts'
import { DEPTH_MAX, renameKey, renameKeys, renameSchema, wirePointer } from './wire.ts'

test('renaming twice gives back every key there can be', () => {
  const key = fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9_]{0,20}$/))
  fc.assert(
    fc.property(key, (text) => renameKey(renameKey(text)) === text),
    { seed: 1 },
  )
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const value: unknown = JSON.parse(text)
      expect(JSON.stringify(renameKeys(renameKeys(value)))).toBe(JSON.stringify(value))
    }),
    { seed: 1 },
  )
})

test('a name in the style of our code is not taken for the name on the wire', () => {
  expect(renameKeys({ team_id: 1 })).toEqual({ teamId: 1 })
  expect(renameKeys({ teamId: 1 })).toEqual({ team_id: 1 })
  expect(renameKey('__proto__')).toBe('__proto__')
  const smuggled = renameKeys(JSON.parse('{"__proto__":{"role":"admin"}}')) as { role?: string }
  expect(smuggled.role).toBeUndefined()
})

test('what is nested too deep is refused before it fills the stack', () => {
  const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  expect(() => renameKeys(nested(DEPTH_MAX))).not.toThrow()
  expect(() => renameKeys(nested(DEPTH_MAX + 1))).toThrow(RangeError)
  expect(() => renameKeys(nested(200_000))).toThrow(RangeError)
})

test('pointers escape what JSON pointers must', () => {
  expect(wirePointer(['allowedModels', 0])).toBe('/allowed_models/0')
  expect(wirePointer(['a/b', 'c~d'])).toBe('/a~1b/c~0d')
  expect(wirePointer([])).toBe('')
})

test('schemas are renamed where names of fields stand and nowhere else', () => {
  const schema = z.object({ teamId: z.enum(['notRenamed', 'some_value']).default('notRenamed') })
  expect(renameSchema(z.toJSONSchema(schema))).toMatchObject({
    properties: { team_id: { enum: ['notRenamed', 'some_value'], default: 'notRenamed' } },
    required: ['team_id'],
  })
})

test('every field of the contract survives the way to the wire and back', () => {
  const names = new Set<string>()
  const collect = (schema: unknown) => {
    if (schema === null || typeof schema !== 'object') return
    for (const [keyword, value] of Object.entries(schema)) {
      if (keyword === 'properties') for (const name of Object.keys(value)) names.add(name)
      collect(value)
    }
  }
  for (const operations of Object.values(contract)) {
    for (const it of Object.values(operations) as Operation[]) {
      for (const shape of [it.query, it.body, it.reply]) {
        if (shape) collect(z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' }))
      }
    }
  }
  expect(names.size).toBeGreaterThan(40)
  for (const name of names) {
    expect(renameKey(name)).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
    expect(renameKey(renameKey(name))).toBe(name)
  }
})
