/**
 * What is told of a call while its end is not known: to the ledger, so that what it holds goes on to be held, and to
 * the journal, so that what was used by now is recorded if this process dies.
 */
import { costOf } from '@headgate/domain/cost'
import type { Usage } from '@headgate/domain/usage'
import type { UsageSource } from '@headgate/domain/usage-record'
import type { Answered } from './call.ts'
import type { Gateway } from './gateway.ts'
import { countedNanos } from './settle.ts'

/** Every second or so, or the ledger takes the call for dead. */
export function tellLedger({ reservation, price }: Answered, usage: Usage, gateway: Gateway): void {
  const { tokens, details, serviceTier } = usage
  const { budget, asks } = reservation
  const nanos =
    budget === null ? undefined : countedNanos(budget, costOf(tokens, price, details, serviceTier))
  for (const ask of asks) gateway.ledger.progress(ask, tokens.input + tokens.output, nanos)
}

/** Written down at once. */
export function tellJournal(
  { request, price }: Answered,
  { tokens, details, serviceTier }: Usage,
  seen: { readonly usageSource: UsageSource; readonly replyBytes: number },
): void {
  request.tried?.account.progress({
    ...{ tokens, usageDetails: details, serviceTier },
    ...costOf(tokens, price, details, serviceTier),
    ...seen,
  })
}
