/** Splicing changes what it was told to change and no other byte. */
import { GatewayError } from '@headgate/domain/gateway-error'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { fieldValue, openBody, type Splice, spliceBody } from './body.ts'

const names = fc.oneof(fc.constantFrom('model', 'stream_options', 'stream', 'n', '__proto__'), fc.string())

const splices = fc
  .uniqueArray(fc.tuple(names, fc.jsonValue()), { selector: ([name]) => name, maxLength: 3 })
  .map((pairs): Splice[] => pairs.map(([field, value]) => ({ field, json: JSON.stringify(value) })))

const asMap = (bytes: Buffer) => {
  const body = openBody(bytes)
  return new Map([...body.fields.spans.keys()].map((name) => [name, fieldValue(body, name)]))
}

test('a spliced body holds the new values, all the old ones besides, and is legal JSON', () => {
  const bodies = fc.tuple(fc.dictionary(names, fc.jsonValue()), fc.constantFrom(undefined, 2))
  fc.assert(
    fc.property(bodies, splices, ([value, indent], changes) => {
      const before = Buffer.from(JSON.stringify(value, null, indent))
      const expected = asMap(before)
      for (const { field, json } of changes) expected.set(field, JSON.parse(json))
      expect(asMap(spliceBody(openBody(before), changes))).toEqual(expected)
    }),
    { numRuns: rounds(1000) },
  )
})

test('bytes outside the splices stay as they were, blanks and spelling included', () => {
  const before = ' { "a" : 1e0 ,\t"mod\\u0065l" :"old", "z":[ "\\u00e9é" , 0.10 ] }\n'
  const after = spliceBody(openBody(Buffer.from(before)), [
    { field: 'model', json: '"new"' },
    { field: 'stream_options', json: '{"include_usage":true}' },
  ])
  expect(after.toString()).toBe(
    ' { "a" : 1e0 ,\t"mod\\u0065l" :"new", "z":[ "\\u00e9é" , 0.10 ] ,"stream_options":{"include_usage":true}}\n',
  )
})

test('an empty object takes a field, and no splice at all gives the very same buffer', () => {
  expect(spliceBody(openBody(Buffer.from(' { } ')), [{ field: 'model', json: '"x"' }]).toString()).toBe(
    ' { "model":"x"} ',
  )
  const bytes = Buffer.from('{"a":1}')
  expect(spliceBody(openBody(bytes), [])).toBe(bytes)
})

test('a body that is no JSON object is refused with the place, a repeated field with its name', () => {
  const refusal = (text: string): GatewayError => {
    try {
      openBody(Buffer.from(text))
    } catch (error) {
      return error as GatewayError
    }
    throw new Error('was accepted')
  }
  expect(refusal('{"a":tru}')).toMatchObject({ code: 'invalid_json' })
  expect(refusal('{"a":tru}').message).toContain('byte 5')
  const long = 'x'.repeat(10_000)
  const repeated = refusal(`{"${long}":1,"${long}":2}`)
  expect(repeated).toBeInstanceOf(GatewayError)
  expect(repeated.code).toBe('duplicate_key')
  expect(repeated.message.length + (repeated.detail.param?.length ?? 0)).toBeLessThan(300)
})

test('a control character inside a value the gateway reads is refused, not a fault of ours', () => {
  const body = openBody(Buffer.from('{"model":"a\u0001b"}'))
  expect(() => fieldValue(body, 'model')).toThrowError(GatewayError)
})
