/** A request in one line, for people who watch them go by. */
import type { RequestEntry } from '@headgate/admin-contract/requests'
import { nanosText } from '@headgate/domain/cost'
import { cellText } from './text-table.ts'

/** When, how it ended, who, what, how long, for how much, and the id to ask more by. */
export function requestLine(it: RequestEntry): string {
  const { startedAt, status, outcome, errorCode, team, app, alias, endpoint } = it
  const who = [team, app].map((one) => one?.name ?? one?.id ?? '-').join('/')
  return cellText(
    [
      startedAt.slice(11, 23),
      status,
      (errorCode ?? outcome).padEnd(16),
      who.padEnd(24),
      (alias ?? endpoint).padEnd(18),
      `${it.totalMs} ms`.padStart(9),
      `${it.tokens.input}+${it.tokens.output} tokens`.padStart(16),
      costText(it).padStart(14),
      it.requestId,
    ].join('  '),
  )
}

/** Unknown is said, and is not zero. */
function costText({ costNanos, costState, currency }: RequestEntry): string {
  return costNanos === null ? `cost ${costState}` : `${nanosText(costNanos)} ${currency ?? ''}`.trim()
}
