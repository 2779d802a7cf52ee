/**
 * A price is what a model costs by kind of usage, from a date on. Money is counted in nanos (a billionth of a
 * currency unit) and is always an integer. A model is priced, free on purpose, or has no price: then its cost is
 * unknown, never zero. A later one takes the place of an earlier one; one that is in force is closed, never rewritten.
 */
import { z } from 'zod'
import { idOf } from './id.ts'
import { MachineName } from './name.ts'
import { lineName, PriceLine } from './price-line.ts'

const LINES_MAX = 100

export const Currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as USD')

const Instant = z.iso.datetime({ offset: true })

/** Whose price it is; deployments at resources of that provider take it before one of any provider. */
export const Provider = z.enum(['openai', 'azure'])
export type Provider = z.infer<typeof Provider>

export const Price = z.object({
  id: idOf('pri'),
  /** The model as the provider lists it; deployments name it in `pricedAs`. */
  model: MachineName,
  /** Null: of any provider. */
  provider: Provider.nullable(),
  currency: Currency,
  /** Costs nothing on purpose; it has no lines then. */
  isFree: z.boolean(),
  lines: z.array(PriceLine).max(LINES_MAX),
  effectiveFrom: Instant,
  /** From here on it holds no more; null: until a later price begins. */
  effectiveTo: Instant.nullable(),
  /** Where it was read: a list with its date, a contract. */
  source: z.string().max(200).nullable(),
  createdAt: Instant,
})
export type Price = z.infer<typeof Price>

/** The shape alone: a list of prices is read by it and judged by `NewPrice`. */
export const PriceEntry = Price.omit({ id: true, createdAt: true }).extend({
  provider: Provider.nullable().default(null),
  isFree: z.boolean().default(false),
  lines: z.array(PriceLine).max(LINES_MAX).default([]),
  effectiveTo: Instant.nullable().default(null),
  source: z.string().max(200).nullable().default(null),
})

export const NewPrice = PriceEntry.strict()
  .refine((it) => it.isFree === (it.lines.length === 0), {
    path: ['lines'],
    error: 'a price has lines, or is free on purpose and has none',
  })
  .refine((it) => new Set(it.lines.map(lineName)).size === it.lines.length, {
    path: ['lines'],
    error: 'two lines for the same kind, service tier and length of input',
  })
  .refine((it) => it.effectiveTo === null || Date.parse(it.effectiveTo) > Date.parse(it.effectiveFrom), {
    path: ['effectiveTo'],
    error: 'not after effective_from',
  })
export type NewPrice = z.infer<typeof NewPrice>

/** Until it comes into force everything may be changed; from then on its end, and where it was read. */
export const PriceChange = Price.omit({ id: true, createdAt: true }).partial().strict()
export type PriceChange = z.infer<typeof PriceChange>
