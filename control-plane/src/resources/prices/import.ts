/**
 * Taking over a price list: what differs becomes new prices, from an instant on. A price of one's own with an end stays: it
 * was agreed on until then, and it is told beside what is taken over.
 */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { prices } from '@headgate/admin-contract/prices'
import type { Price } from '@headgate/domain/price'
import { differencesOf, partCrossed } from '@headgate/domain/price-list'
import type { HandlerContext } from '../context.ts'
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
  const { differences: all, unchanged } = differencesOf(list, held, Date.parse(effectiveFrom))
  const { free: differences, kept } = partCrossed(all, held, effectiveFrom)
  const source = sourceOf(list)
  return takenOver(body.confirm, { source, differences, kept, unchanged }, async () => {
    const rows = differences.map(
      ({ model, provider, after, source: own }): Price => ({
        id: newId('pri'),
        ...{ model, provider, ...after, effectiveFrom, effectiveTo: null },
        ...{ source: own ?? source, createdAt: now },
      }),
    )
    await insertPrices(db, rows)
    const named = ({ id, model, provider }: Pick<Price, 'id' | 'model' | 'provider'>) => ({
      id,
      model,
      provider,
    })
    return { source, effectiveFrom, prices: rows.map(named), kept: kept.map(named) }
  })
}
