/** What is put behind the last byte of a stream, and when nothing is. */
import { type Cost, costOf, noCost } from '@headgate/domain/cost'
import { noTokens } from '@headgate/domain/usage'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { closingComment } from './closing-comment.ts'

const priced = (costNanos: number, currency = 'USD'): Cost => ({
  ...{ costNanos, currency, costState: 'priced', priceId: 'pri_1', agreementId: null },
})

test('a cost is told to the nano, in one line of an event stream with the blank line that ends it', () => {
  expect(closingComment(priced(390_000))?.toString()).toBe(': headgate cost=0.000390000 currency=USD\n\n')
  expect(closingComment(priced(12_000_000_001, 'EUR'))?.toString()).toBe(
    ': headgate cost=12.000000001 currency=EUR\n\n',
  )
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (nanos) => {
      const text = closingComment(priced(nanos))?.toString() ?? ''
      const [, whole = '', part = ''] = /^: headgate cost=(\d+)\.(\d{9}) currency=USD\n\n$/.exec(text) ?? []
      expect(BigInt(whole + part)).toBe(BigInt(nanos))
    }),
  )
})

test('what is free on purpose is told as zero, and what is unknown or nothing is not told', () => {
  expect(closingComment({ ...priced(0), costState: 'free' })?.toString()).toContain('cost=0.000000000 ')
  expect(closingComment(costOf({ ...noTokens, input: 1 }, null))).toBeNull()
  expect(closingComment(noCost)).toBeNull()
})
