/**
 * A price is money per million tokens, by token kind, from a date. Money is counted in nanos (a billionth of
 * a currency unit) and is always an integer. A model without a price has an unknown cost, never a cost of zero.
 */
import { z } from 'zod'
import { idOf } from './id.ts'
import { MachineName } from './name.ts'

const PriceId = idOf('pri')

export const Currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as USD')

/** Nanos per million tokens: $0.15 per million is 150 000 000. At most a million currency units per million. */
const NanosPerMillion = z.int().min(0).max(1_000_000_000_000_000)

export const Price = z.object({
  id: PriceId,
  /** The model as the provider lists it; deployments name it in `pricedAs`. */
  model: MachineName,
  currency: Currency,
  inputNanosPerMillion: NanosPerMillion,
  cachedInputNanosPerMillion: NanosPerMillion,
  outputNanosPerMillion: NanosPerMillion,
  effectiveFrom: z.iso.datetime({ offset: true }),
  createdAt: z.iso.datetime({ offset: true }),
})
export type Price = z.infer<typeof Price>

export const NewPrice = Price.omit({ id: true, createdAt: true, cachedInputNanosPerMillion: true })
  .extend({ cachedInputNanosPerMillion: NanosPerMillion.optional() })
  .strict()
  .transform((it) => ({
    ...it,
    cachedInputNanosPerMillion: it.cachedInputNanosPerMillion ?? it.inputNanosPerMillion,
  }))
export type NewPrice = z.infer<typeof NewPrice>
