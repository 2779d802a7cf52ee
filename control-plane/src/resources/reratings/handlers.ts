/**
 * What the admin API does with re-ratings. As with price lists, the effect is shown first, and its digest is the
 * only way to have it done.
 */
import { createHash } from 'node:crypto'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { reratings } from '@headgate/admin-contract/reratings'
import type { CostCorrection, Rerating } from '@headgate/domain/rerating'
import { correctSpend, lockSpendToAdd } from '../../database/budget-spend.ts'
import { type AddedCost, budgetSums } from '../../database/budget-sums.ts'
import type { Database } from '../../database/open.ts'
import { confirmed, fieldFault, found, type HandlerContext } from '../context.ts'
import {
  countUsed,
  insertCorrections,
  insertRerating,
  listReratings,
  lockReratings,
  readRerating,
} from './queries.ts'
import { type RatedBatch, rateAgain } from './rerate.ts'

/** What one transaction walks over in seconds. */
const RECORDS_MAX = 200_000

export const reratingsHandlers: Handlers<typeof reratings, HandlerContext> = {
  list: ({ query }, { db }) => listReratings(db, query),
  read: async ({ params }, { db }) => found(await readRerating(db, params.reratingId)),
  create: async ({ body }, { db, newId, now, nowMs }) => {
    const { confirm, ...asked } = body
    if (Date.parse(asked.to) > nowMs) throw notPast()
    await lockReratings(db)
    await lockSpendToAdd(db)
    if ((await countUsed(db, asked)) > RECORDS_MAX) throw tooMany()
    const shown = await effectOf(db, asked)
    const reply = { confirm: shown.digest, effect: shown.effect }
    if (!confirmed(confirm, shown.digest) || shown.effect.corrected === 0) {
      return { changed: false, reply: { ...reply, applied: false, id: null } }
    }
    const rerating = { ...shown.effect, id: newId('rrt'), createdAt: now }
    await insertRerating(db, rerating)
    for await (const { corrections } of rateAgain(db, asked)) {
      await insertCorrections(db, rerating.id, corrections)
      // Budgets tell the same sums as `/analytics/query`.
      await correctSpend(db, await budgetSums(db, corrections.map(addedBy)), nowMs)
    }
    const { id } = rerating
    return {
      changed: true,
      reply: { ...reply, applied: true, id },
      subjectId: id,
      before: null,
      after: rerating,
    }
  },
}

function addedBy({ newlyPriced, ...it }: CostCorrection): AddedCost {
  return { ...it, unpriced: newlyPriced ? -1 : 0 }
}

type Effect = Omit<Rerating, 'id' | 'createdAt'>

async function effectOf(
  db: Database,
  asked: Pick<Rerating, 'from' | 'to' | 'reason'>,
): Promise<{ effect: Effect; digest: string }> {
  const hash = createHash('sha256').update(`${asked.from} ${asked.to}`)
  const sums = new Map<string, bigint>()
  const counts = { records: 0, corrected: 0, newlyPriced: 0, stillUnknown: 0 }
  for await (const batch of rateAgain(db, asked)) {
    counts.records += batch.records
    counts.stillUnknown += batch.stillUnknown
    const calls = new Set(batch.corrections.map((it) => `${it.requestId} ${it.attempt}`))
    counts.corrected += calls.size
    counts.newlyPriced += batch.corrections.filter((it) => it.newlyPriced).length
    sumInto(sums, batch)
    for (const { requestId, attempt, currency, nanos } of batch.corrections) {
      hash.update(`${requestId} ${attempt} ${currency} ${nanos}\n`)
    }
  }
  const differences = [...sums].map(([currency, nanos]) => ({ currency, nanos: String(nanos) }))
  differences.sort((a, b) => (a.currency < b.currency ? -1 : 1))
  return { effect: { ...asked, ...counts, differences }, digest: hash.digest('hex') }
}

function sumInto(sums: Map<string, bigint>, { corrections }: RatedBatch): void {
  for (const { currency, nanos } of corrections) {
    sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(nanos))
  }
}

function notPast() {
  return fieldFault('/to', {
    code: 'not_past',
    message: 'not in the past',
    fix: 'Send an instant that is over: calls that are still to come are priced when they come.',
  })
}

function tooMany() {
  return fieldFault('/from', {
    code: 'window_too_large',
    message: `more than ${RECORDS_MAX} calls in this window`,
    fix: 'Send a shorter window, and one after the other.',
  })
}
