/** What the admin API does with agreements. */
import type { agreements } from '@headgate/admin-contract/agreements'
import type { Handlers } from '@headgate/admin-contract/operation'
import { type Agreement, type AgreementChange, NewAgreement } from '@headgate/domain/agreement'
import { reservedCost, sharesOf } from '@headgate/domain/allocation'
import { fieldFault, found, type HandlerContext } from '../context.ts'
import { datedHandlers } from '../dated-things.ts'
import { readAgreement, readAgreementsOf, readCapacityUse, readSuccessorStart } from './queries.ts'

export const agreementsHandlers: Handlers<typeof agreements, HandlerContext> = {
  ...datedHandlers<Agreement, NewAgreement, AgreementChange>(
    { table: 'agreements', prefix: 'agr' },
    {
      called: 'agreement',
      beside: ['note'],
      shape: NewAgreement,
      rivals: (it, { db }) => readAgreementsOf(db, it),
    },
  ),
  allocate: async ({ params, query }, { db, now }) => {
    const it = found(await readAgreement(db, params.agreementId))
    if (it.reservedNanosPerHour === null || it.currency === null) throw noCapacity()
    const asked = { from: query.from ?? monthStart(query.to ?? now), to: query.to ?? now }
    if (Date.parse(asked.from) >= Date.parse(asked.to)) throw emptySpan()
    const ends = [asked.to, it.effectiveTo, await readSuccessorStart(db, it), now]
    const toMs = Math.min(...ends.filter((end) => end !== null).map(Date.parse))
    const fromMs = Math.max(Date.parse(asked.from), Date.parse(it.effectiveFrom))
    const from = new Date(fromMs).toISOString()
    const to = new Date(Math.max(fromMs, toMs)).toISOString()
    const total = reservedCost(it.reservedNanosPerHour, toMs - fromMs)
    const uses = await readCapacityUse(db, { id: it.id, from, to })
    const { currency } = it
    return {
      agreementId: it.id,
      from,
      to,
      currency,
      totalNanos: String(total),
      shares: sharesOf(total, uses),
    }
  },
}

/** The first instant of its month, in UTC. */
function monthStart(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 7)}-01T00:00:00.000Z`
}

function emptySpan() {
  return fieldFault('?from', {
    code: 'empty_span',
    message: 'not before `to`',
    fix: 'Send an earlier `from` or a later `to`.',
  })
}

function noCapacity() {
  return fieldFault('?from', {
    code: 'no_reserved_capacity',
    message: 'this agreement is a multiplier',
    fix: 'Ask for the allocation of an agreement on reserved capacity; what a multiplier costs is in the records.',
  })
}
