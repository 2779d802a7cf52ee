/**
 * The parts of the SQL of questions that tell costs apart by stretches of exchange rates, so that each day's can be
 * seen by its own rate. Where nobody asks for that they are empty, and the statement is what it is without.
 */
import type { RateTable } from '@headgate/domain/exchange-rate'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { rankFactors } from './money-view.ts'

export type RateParts = {
  /** The column that rows are told apart by besides, if they are. */
  readonly keys: readonly string[]
  /** The same, with a comma behind. */
  readonly names: RawBuilder<unknown>
  /** The column made of the instant of a row, after another one. */
  of(instant: RawBuilder<unknown>): RawBuilder<unknown>
  /** What a row's cost is worth to be ranked by, and what has to be joined to know it. */
  readonly worth: RawBuilder<unknown>
  readonly worthJoin: RawBuilder<unknown>
  /** The cost of a group by stretches, after another column. */
  readonly told: RawBuilder<unknown>
}

export const noRates: RateParts = {
  ...{ keys: [], names: sql``, of: () => sql``, worth: sql`cost_nanos`, worthJoin: sql``, told: sql`` },
}

/** @param rates null where costs are summed by currency alone */
export async function ratePartsOf(db: Database, rates: RateTable | null): Promise<RateParts> {
  if (rates === null) return noRates
  const instants = rates.days.map((day) => `${day}T00:00:00Z`)
  const { rows } = await sql<{ currency: string }>`
    select currency from usage_series union select currency from cost_corrections`.execute(db)
  const factors = rankFactors(
    rates,
    rows.map((it) => it.currency),
  )
  return {
    keys: ['rateStretch'],
    names: sql`rate_stretch,`,
    of: (instant) => sql`, width_bucket(${instant}, ${instants}::timestamptz[]) as rate_stretch`,
    worth: sql`cost_nanos * factor`,
    worthJoin: sql`left join unnest(${factors.map((it) => it.currency)}::text[],
      ${factors.map((it) => it.stretch)}::int4[], ${factors.map((it) => it.factor)}::numeric[])
      as worth (currency, rate_stretch, factor) using (currency, rate_stretch)`,
    told: sql`, array_agg(rate_stretch) as rate_stretches, array_agg(cost_nanos::text) as rate_nanos`,
  }
}
