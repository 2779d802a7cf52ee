/**
 * Carries events to alert channels, in any process. An attempt is counted when it begins and its lease keeps others
 * away; a process that dies before it has written down the outcome leaves one that another makes again, with the
 * same id. So what is due arrives at least once, or is given up in sight of everybody.
 */
import { retryAfterMs } from '@headgate/domain/alert-delivery'
import type { Log } from '@headgate/domain/ports'
import { type Outcome, type SendingPlan, sendAlert } from '../alerts/send-alert.ts'
import {
  type AttemptEnd,
  claimDeliveries,
  type DueDelivery,
  endAttempt,
} from '../database/alert-deliveries.ts'
import type { Database } from '../database/open.ts'
import { readChannelSecrets } from '../database/stored-secrets.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 1_000
/** Sent at once, so that receivers that are slow hold up as few others as can be. */
const AT_ONCE = 50

export type DeliveryPlan = SendingPlan & { readonly db: Database; readonly log: Log }

/** The job. */
export function deliverAlerts(plan: DeliveryPlan): Job {
  return {
    name: 'deliver-alerts',
    everyMs: EVERY_MS,
    run: async (signal) => {
      while (!signal.aborted && (await deliverDue(plan)) > 0) {}
    },
  }
}

/** Makes the attempts that are due now, up to so many; says how many those were. */
export async function deliverDue(plan: DeliveryPlan): Promise<number> {
  const due = await claimDeliveries(plan.db, AT_ONCE)
  // Asked for each time, so that a secret that was rotated is the new one.
  if (due.some(({ channel }) => channel.secretRef.startsWith('db://')))
    plan.secrets.take(await readChannelSecrets(plan.db))
  const ended = await Promise.allSettled(due.map((it) => attempt(plan, it)))
  // The others are written down by now; one that could not be comes again when its lease is over.
  const failed = ended.find((it) => it.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return due.length
}

async function attempt(plan: DeliveryPlan, due: DueDelivery): Promise<void> {
  const { channel, event, attempts } = due
  const end = endOf(await sendAlert(channel, event, plan), attempts)
  if (end.state === 'dead') {
    const fields = { channel: channel.id, event: event.id, attempts, reason: end.answer }
    plan.log('warn', 'an alert was given up', fields)
  }
  await endAttempt(plan.db, due, end)
}

function endOf({ isReceived, isGone, answer }: Outcome, attempts: number): AttemptEnd {
  if (isReceived) return { state: 'delivered', answer, retryAfterMs: null }
  const waitMs = isGone ? null : retryAfterMs(attempts, Math.random())
  return { state: waitMs === null ? 'dead' : 'waiting', answer, retryAfterMs: waitMs }
}
