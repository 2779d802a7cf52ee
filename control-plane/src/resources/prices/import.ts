/**
 * Taking over a price list: the answer shows what differs, and its digest, `confirm`, is the only way to have it
 * done, so nobody takes over what they have not been shown. When prices change in between, it is shown again. A price of
 * one's own with an end stays: it was agreed on until then, and it is told beside what is taken over.
 */
import { createHash } from 'node:crypto'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { prices } from '@headgate/admin-contract/prices'
import type { Price } from '@headgate/domain/price'
import { differencesOf, type KeptPrice, type PriceDifference, partCrossed } from '@headgate/domain/price-list'
import { confirmed, type HandlerContext } from '../context.ts'
import { insertPrices, readPricesOf } from './queries.ts'
import { shippedPrices } from './shipped-list.ts'

type TakeOver = Handlers<typeof prices, HandlerContext>['takeOver']

/** @throws AdminProblem `conflict` when `confirm` speaks of other differences than there are now */
export const takeOver: TakeOver = async ({ body }, context) => {
  const { db, now, newId } = context
  const list = body.list ?? shippedPrices()
  const effectiveFrom = body.effectiveFrom ?? now
  const models = list.prices.map((it) => it.model)
  const held = await readPricesOf(db, models)
  const { differences: all, unchanged } = differencesOf(list, held, Date.parse(effectiveFrom))
  const { free: differences, kept } = partCrossed(all, held, effectiveFrom)
  const source = `${list.source}, ${list.day}`
  const reply = { confirm: digestOf({ differences, kept }), source, differences, kept, unchanged }
  if (!confirmed(body.confirm, reply.confirm) || differences.length === 0) {
    return { changed: false, reply: { ...reply, applied: false } }
  }
  const rows = differences.map(
    ({ model, provider, after, source: own }): Price => ({
      id: newId('pri'),
      ...{
        model,
        provider,
        ...after,
        effectiveFrom,
        effectiveTo: null,
        source: own ?? source,
        createdAt: now,
      },
    }),
  )
  await insertPrices(db, rows)
  return {
    changed: true,
    reply: { ...reply, applied: true },
    subjectId: reply.confirm,
    before: null,
    after: {
      source,
      effectiveFrom,
      prices: rows.map(({ id, model, provider }) => ({ id, model, provider })),
      kept: kept.map(({ id, model, provider }) => ({ id, model, provider })),
    },
  }
}

function digestOf(shown: { differences: readonly PriceDifference[]; kept: readonly KeptPrice[] }): string {
  return createHash('sha256').update(JSON.stringify(shown)).digest('hex')
}
