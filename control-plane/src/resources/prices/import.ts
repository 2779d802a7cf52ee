/** Taking over a price list: what differs becomes new prices, from an instant on. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { prices } from '@headgate/admin-contract/prices'
import type { Price } from '@headgate/domain/price'
import { differencesOf } from '@headgate/domain/price-list'
import type { HandlerContext } from '../context.ts'
import { refuseCrossing } from '../dated-things.ts'
import { sourceOf, takenOver } from '../list-import.ts'
import { insertPrices, readPricesOf } from './queries.ts'
import { shippedPrices } from './shipped-list.ts'

type TakeOver = Handlers<typeof prices, HandlerContext>['takeOver']

/** @throws AdminProblem `conflict` when `confirm` speaks of other differences than there are now */
export const takeOver: TakeOver = async ({ body }, { db, now, newId }) => {
  const list = body.list ?? shippedPrices()
  const effectiveFrom = body.effectiveFrom ?? now
  const models = list.prices.map((it) => it.model)
  const held = await readPricesOf(db, models)
  const compared = differencesOf(list, held, Date.parse(effectiveFrom))
  const source = sourceOf(list)
  return takenOver(body.confirm, { source, ...compared }, async () => {
    const rows = compared.differences.map(
      ({ model, provider, after, source: own }): Price => ({
        id: newId('pri'),
        ...{ model, provider, ...after, effectiveFrom, effectiveTo: null },
        ...{ source: own ?? source, createdAt: now },
      }),
    )
    for (const row of rows) {
      const others = held.filter((it) => it.model === row.model && it.provider === row.provider)
      refuseCrossing(row, others, 'price')
    }
    await insertPrices(db, rows)
    return { source, effectiveFrom, prices: rows.map(({ id, model, provider }) => ({ id, model, provider })) }
  })
}
