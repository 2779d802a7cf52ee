/** Whatever refuses, its decision has the shape that records are read by: a refusal never costs its own record. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ErrorDetail, errorCodes, GatewayError } from './gateway-error.ts'
import { StoredDecision, storedDecisionOf } from './stored-decision.ts'

const text = fc.string({ maxLength: 1_200, unit: 'grapheme' })
const figure = fc.option(fc.double(), { nil: undefined })
const name = fc.string({ maxLength: 200 })

const detail = fc.record(
  {
    public: text,
    retryAfterMs: fc.double(),
    scope: fc.record({ kind: fc.constantFrom('key', 'team', 'resource'), name }),
    limit: figure,
    used: figure,
    requested: figure,
    unit: fc.constantFrom('tokens/min', 'nanos of USD'),
    thingId: fc.constant('lim_1'),
    policy: fc.record({ id: fc.constant('pol_1'), name }),
  },
  { requiredKeys: [] },
)

test('any refusal with any figures has a decision that is read as it was written', () => {
  fc.assert(
    fc.property(fc.constantFrom(...errorCodes), detail, fc.option(name), (code, said, rule) => {
      const error = new GatewayError(code, said as ErrorDetail)
      const decision = storedDecisionOf(error, { keyId: 'key_1', rule })
      expect(StoredDecision.parse(JSON.parse(JSON.stringify(decision)))).toEqual(decision)
    }),
  )
})

test('what refused is the policy, else what the limit stands on, else the key whose state it is', () => {
  const of = (code: 'limit_tokens' | 'key_revoked' | 'model_not_found', said: ErrorDetail) =>
    storedDecisionOf(new GatewayError(code, said), { keyId: 'key_1', rule: null }).thingId
  expect(of('limit_tokens', { thingId: 'lim_1' })).toBe('lim_1')
  expect(of('limit_tokens', { thingId: 'key_2', policy: { id: 'pol_1', name: '' } })).toBe('pol_1')
  expect(of('key_revoked', {})).toBe('key_1')
  expect(of('model_not_found', {})).toBeNull()
})
