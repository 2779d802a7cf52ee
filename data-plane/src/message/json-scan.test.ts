/** The scan agrees with JSON.parse on what is JSON, and goes beyond it only where the bounds say so. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { JsonFault, scanJsonObject } from './json-scan.ts'

function faultOf(bytes: Buffer): JsonFault | null {
  try {
    scanJsonObject(bytes)
    return null
  } catch (fault) {
    if (fault instanceof JsonFault) return fault
    throw fault
  }
}

/** What JSON.parse makes of the bytes, control characters in strings allowed; undefined when it refuses them. */
function parsed(bytes: Buffer): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return JSON.parse(withControlsEscaped(text))
  } catch {
    return undefined
  }
}

/** Inside a string a control character goes as its escape; after a backslash it stays, and is refused. */
function withControlsEscaped(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\[\s\S])*"/g, (string) =>
    string.replaceAll(/\\[\s\S]|[^ -\uffff]/g, (it) =>
      it.length > 1 ? it : `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  )
}

/** Same verdict on both sides, and each span holds its value; repeated fields and bounds are ours alone. */
function agrees(bytes: Buffer): void {
  const expected = parsed(bytes)
  const isObject = typeof expected === 'object' && expected !== null && !Array.isArray(expected)
  const fault = faultOf(bytes)
  if (fault !== null) {
    if (isObject && !fault.message.includes('in a name')) expect(fault.kind).not.toBe('syntax')
    return
  }
  expect(isObject, bytes.toString()).toBe(true)
  const { spans, closeAt } = scanJsonObject(bytes)
  const entries = Object.entries(expected as object)
  expect(new Set(spans.keys())).toEqual(new Set(entries.map(([name]) => name)))
  for (const [name, { start, end }] of spans) {
    const value = JSON.parse(withControlsEscaped(bytes.toString('utf8', start, end)))
    expect(value).toEqual((expected as Record<string, unknown>)[name])
  }
  expect(bytes[closeAt]).toBe(0x7d)
}

const objects = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }))
const texts = fc
  .tuple(objects, fc.constantFrom(undefined, 1, '\t'))
  .map(([value, indent]) => Buffer.from(JSON.stringify(value, null, indent)))

test('whatever JSON.stringify writes is accepted, and each span holds its value', () => {
  fc.assert(
    fc.property(texts, (bytes) => {
      agrees(bytes)
      expect(faultOf(bytes)).toBeNull()
    }),
    { numRuns: rounds(1000) },
  )
})

test('JSON with bytes changed, put in or taken out is accepted and refused as JSON.parse does', () => {
  const edit = fc.record({
    at: fc.nat(10_000),
    cut: fc.nat(3),
    put: fc.oneof(
      fc.constantFrom(...'{}[]",:\\ \n0-+.eEu1tfn/'.split('')).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    ),
  })
  fc.assert(
    fc.property(texts, fc.array(edit, { minLength: 1, maxLength: 4 }), (bytes, edits) => {
      let changed = bytes
      for (const { at, cut, put } of edits) {
        const from = at % (changed.length + 1)
        changed = Buffer.concat([changed.subarray(0, from), put, changed.subarray(from + cut)])
      }
      agrees(changed)
    }),
    { numRuns: rounds(3000), interruptAfterTimeLimit: 20_000 },
  )
})

test('random bytes and random JSON letters are accepted and refused as JSON.parse does', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0019eE+-. truefalsn\n'.split('')) })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), letters), (input) => {
      agrees(Buffer.from(input as string))
      agrees(Buffer.concat([Buffer.from('{"a":'), Buffer.from(input as string), Buffer.from('}')]))
    }),
    { numRuns: rounds(2000) },
  )
})

test('the hard cases of the grammar go as JSON.parse says', () => {
  const values = [
    ...[
      '0',
      '-0',
      '01',
      '-',
      '1.',
      '.1',
      '1e',
      '1e+',
      '1E-07',
      '1e400',
      '+1',
      '0x1',
      '1_0',
      'NaN',
      'Infinity',
    ],
    ...[
      'true',
      'tru',
      'truex',
      'nul',
      'undefined',
      "'a'",
      '"a',
      '"\t"',
      '"\\t"',
      '"\\x41"',
      '"\\u12"',
      '"\\u12g4"',
    ],
    ...[
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '"\u2028"',
      '"\\/"',
      '"\\',
      '""',
      '[1,]',
      '[,1]',
      '[1 2]',
      '{"b":1,}',
    ],
    ...['{,}', '{"b"}', '{"b":}', '{b:1}', '[}', '{]', '[[]', '//x', '/**/1', '\u00a01', '\u000b1', '\0'],
  ]
  for (const value of values) agrees(Buffer.from(`{"a":${value}}`))
  for (const text of ['', ' ', '{', '}', '{}', ' {} ', '{}{}', '{} x', '[]', '"a"', '1', 'null', '{"a":1'])
    agrees(Buffer.from(text))
})

test('a field named twice is refused by its name, however it is spelt', () => {
  const spellings = [
    '{"model":1,"model":2}',
    '{"model":1,"mod\\u0065l":2}',
    '{"mo\\u0064el":1,"x":0,"model":2}',
  ]
  for (const text of spellings) {
    const fault = faultOf(Buffer.from(text))
    expect(fault?.kind).toBe('duplicate')
    expect(fault?.field).toBe('model')
  }
  expect(faultOf(Buffer.from('{"__proto__":1,"__proto__":2}'))?.kind).toBe('duplicate')
  expect(
    faultOf(Buffer.from('{"a":{"b":1,"b":2},"Model":1,"model":1,"__proto__":{},"constructor":1}')),
  ).toBeNull()
})

test('the names of fields are data, whatever they are', () => {
  const { spans } = scanJsonObject(Buffer.from('{"__proto__":{"x":1},"constructor":2,"toString":3,"":4}'))
  expect([...spans.keys()]).toEqual(['__proto__', 'constructor', 'toString', ''])
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})

test('a byte order mark and what is no UTF-8 are refused', () => {
  const wrong = [
    Buffer.from('\ufeff{"a":1}'),
    Buffer.from('{"a":"\xff"}', 'latin1'),
    Buffer.from('{"a":"\xc0\xaf"}', 'latin1'),
    Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1'),
    Buffer.from('{"a":"\xf0\x9f"}', 'latin1'),
    Buffer.from('{"\xe9":1}', 'latin1'),
    Buffer.from('{"a":1}', 'utf16le'),
  ]
  for (const bytes of wrong) expect(faultOf(bytes)?.kind).toBe('syntax')
})

test('nesting and the number of values are bounded, exactly', () => {
  const nested = (levels: number) => Buffer.from(`{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`)
  expect(faultOf(nested(63))).toBeNull()
  expect(faultOf(nested(64))?.kind).toBe('bounds')
  const flat = (count: number) => Buffer.from(`{"a":[${Array(count).fill('0').join(',')}]}`)
  expect(faultOf(flat(99_999))).toBeNull()
  expect(faultOf(flat(100_000))?.kind).toBe('bounds')
})

test('five megabytes of brackets and a long string are judged at once', () => {
  const startMs = performance.now()
  for (const text of ['[', '{"a":', '[[]],', '{"a":['])
    expect(faultOf(Buffer.from(`{"a":${text.repeat(1_000_000)}`))).not.toBeNull()
  expect(faultOf(Buffer.from(`{"a":"${'x'.repeat(10_000_000)}"}`))).toBeNull()
  expect(faultOf(Buffer.from(`{"a":"${'\\u0041'.repeat(1_000_000)}"}`))).toBeNull()
  expect(performance.now() - startMs).toBeLessThan(5000)
})

test('a long text of many lines costs its length, not its square', () => {
  const text = JSON.stringify({ a: `${'x'.repeat(40)}\n`.repeat(250_000), b: ['y'.repeat(40), '\\'] })
  const startMs = performance.now()
  expect(faultOf(Buffer.from(text))).toBeNull()
  expect(performance.now() - startMs).toBeLessThan(2000)
})

test('a control character in an escaped name is a fault of the body like any other', () => {
  expect(faultOf(Buffer.from('{"\\u0061\u0001":1}'))?.kind).toBe('syntax')
})

test('inline files are counted apart from text, short ones and mere mentions are not', () => {
  const file = `data:image/png;base64,${'A'.repeat(1000)}`
  const body = { messages: [{ image: file }, { text: `see ${file}` }, { image: 'data:,x' }] }
  const { inlineBytes, inlineCount } = scanJsonObject(Buffer.from(JSON.stringify(body)))
  expect([inlineCount, inlineBytes]).toEqual([1, file.length + 2])
})
