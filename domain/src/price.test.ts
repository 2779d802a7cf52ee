/** What may be written down as a price, an agreement or an exchange rate, and what not. */
import { expect, test } from 'vitest'
import { NewAgreement } from './agreement.ts'
import { NewPrice } from './price.ts'

const given = { model: 'gpt', currency: 'USD', effectiveFrom: '2026-01-01T00:00:00Z' }
const line = { kind: 'input', nanos: 7 }

const faultOf = (shape: typeof NewPrice | typeof NewAgreement, value: unknown) =>
  shape.safeParse(value).error?.issues.map((it) => it.path.join('/'))

test('a price is of any provider, for the standard tier and from the first token on, unless it says otherwise', () => {
  const price = NewPrice.parse({ ...given, lines: [line] })
  expect(price).toMatchObject({ provider: null, isFree: false, effectiveTo: null })
  expect(price.lines).toEqual([{ ...line, serviceTier: 'standard', aboveInputTokens: 0 }])
  expect(NewPrice.parse({ ...given, isFree: true }).lines).toEqual([])
})

test.each([
  [{ lines: [line], currency: 'euro' }, 'currency'],
  [{ lines: [{ ...line, nanos: -1 }] }, 'lines/0/nanos'],
  [{ lines: [{ ...line, nanos: 0.5 }] }, 'lines/0/nanos'],
  [{ lines: [{ ...line, kind: 'inputs' }] }, 'lines/0/kind'],
  [{ lines: [line], model: '' }, 'model'],
  [{ lines: [] }, 'lines'],
  [{ lines: [line], isFree: true }, 'lines'],
  [{ lines: [line, { ...line, nanos: 8 }] }, 'lines'],
  [{ lines: [line], effectiveTo: given.effectiveFrom }, 'effectiveTo'],
  [{ lines: [line], inputNanosPerMillion: 1 }, ''],
])('a price that contradicts itself is refused: %o', (wrong, path) => {
  expect(faultOf(NewPrice, { ...given, ...wrong })?.[0]).toBe(path)
})

test('an agreement is of one thing, and either a multiplier or reserved capacity', () => {
  const resourceId = `res_${'0'.repeat(26)}`
  const deploymentId = `dep_${'0'.repeat(26)}`
  const from = { effectiveFrom: given.effectiveFrom }
  const reserved = { reservedNanosPerHour: 1, currency: 'EUR' }
  expect(faultOf(NewAgreement, { ...from, resourceId, multiplierMillionths: 850_000 })).toBeUndefined()
  expect(faultOf(NewAgreement, { ...from, deploymentId, ...reserved })).toBeUndefined()
  expect(faultOf(NewAgreement, { ...from, multiplierMillionths: 1 })).toEqual(['resourceId'])
  expect(faultOf(NewAgreement, { ...from, resourceId, deploymentId, ...reserved })).toEqual(['resourceId'])
  expect(faultOf(NewAgreement, { ...from, resourceId })).toEqual(['multiplierMillionths'])
  expect(faultOf(NewAgreement, { ...from, resourceId, multiplierMillionths: 2, ...reserved })).toEqual([
    'multiplierMillionths',
  ])
  expect(faultOf(NewAgreement, { ...from, resourceId, reservedNanosPerHour: 2 })).toEqual(['currency'])
  expect(faultOf(NewAgreement, { ...from, resourceId, multiplierMillionths: 0 })).toEqual([
    'multiplierMillionths',
  ])
})
