/**
 * What the calls of a past window would cost by the price book of now, call by call. Nothing is written here; who
 * walks over the corrections decides what to do with them.
 */
import { priceOf, providerOf } from '@headgate/domain/catalog'
import { costOf } from '@headgate/domain/cost'
import { type RatePeriod, ratePeriods } from '@headgate/domain/rate-card'
import { type CostCorrection, type CostSoFar, correctionsOf } from '@headgate/domain/rerating'
import type { TokenUsage } from '@headgate/domain/usage'
import { readCorrected } from '../../database/cost-corrections.ts'
import type { Database } from '../../database/open.ts'
import type { UsageRow } from '../../database/tables.ts'
import { readPriceBook, readUsed, type Window } from './queries.ts'

/** Parameters of one statement are limited to 65 535; a correction has seventeen. */
const BATCH = 2000

export type RatedBatch = {
  readonly records: number
  readonly stillUnknown: number
  readonly corrections: readonly CostCorrection[]
}

/** The calls of a window that used something, oldest first, each priced as of the instant it began. */
export async function* rateAgain(db: Database, window: Window): AsyncGenerator<RatedBatch> {
  const rates = await ratesByDeployment(db)
  for (let rows = await readUsed(db, window, null, BATCH); rows.length > 0; ) {
    const corrected = await readCorrected(db, rows)
    const corrections: CostCorrection[] = []
    let stillUnknown = 0
    for (const row of rows) {
      const periods = rates.get(row.deploymentId ?? '') ?? []
      const card = priceOf({ rates: periods }, Date.parse(row.startedAt))
      const cost = costOf(tokensOf(row), card, row.usageDetails, row.serviceTier)
      if (cost.costState === 'unknown') stillUnknown++
      const added = corrected.get(`${row.requestId} ${row.attempt}`) ?? []
      corrections.push(...correctionsOf(row, costSoFar(row, added), cost))
    }
    yield { records: rows.length, stillUnknown, corrections }
    rows = rows.length < BATCH ? [] : await readUsed(db, window, rows.at(-1) ?? null, BATCH)
  }
}

async function ratesByDeployment(db: Database): Promise<Map<string, readonly RatePeriod[]>> {
  const { places, prices, agreements } = await readPriceBook(db)
  const byModel = Map.groupBy(prices, (it) => it.model)
  return new Map(
    places.map(({ id, pricedAs, resourceId, apiStyle }) => {
      const place = { provider: providerOf(apiStyle), resourceId, deploymentId: id }
      return [id, ratePeriods(byModel.get(pricedAs) ?? [], agreements, place)]
    }),
  )
}

function tokensOf(row: UsageRow): TokenUsage {
  return {
    input: row.inputTokens,
    cachedInput: row.cachedInputTokens,
    output: row.outputTokens,
    reasoning: row.reasoningTokens,
  }
}

function costSoFar(row: UsageRow, corrected: readonly CostSoFar[]): readonly CostSoFar[] {
  const { costNanos, currency } = row
  if (costNanos === null || currency === null) return corrected
  return [{ currency, nanos: costNanos }, ...corrected]
}
