/**
 * An alert channel is where people are told of events: a webhook that is signed, a chat, or e-mail, and what it
 * listens to. Secrets are named by reference: what a webhook is signed with, the address of a chat
 * (whoever knows it may write there), the mail server with its password.
 */
import { z } from 'zod'
import { BudgetId } from './budget.ts'
import { idOf } from './id.ts'
import { DisplayName } from './name.ts'
import { OutboxEventType } from './outbox-event.ts'
import { SecretRef } from './secret-ref.ts'
import { TeamId } from './team.ts'

export const AlertChannelId = idOf('chn')

export const AlertChannelKind = z.enum(['webhook', 'slack', 'teams', 'email'])
export type AlertChannelKind = z.infer<typeof AlertChannelKind>

/** Plain host names or IPv4 only, no user: what a URL parser could read in two ways is refused before it is parsed. */
const RECEIVER =
  /^https:\/\/[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{2,5})?(\/[\x21-\x7e]*)?$/
const LOOPBACK_RECEIVER = /^http:\/\/127\.0\.0\.1:[0-9]{2,5}(\/[\x21-\x7e]*)?$/

/** Where a webhook is posted to, or a chat listens. */
export const ReceiverUrl = z
  .string()
  .max(2_000)
  .refine((text) => !/[\\#@]/.test(text) && (RECEIVER.test(text) || LOOPBACK_RECEIVER.test(text)), {
    error:
      'expected an address such as https://alerts.example.com/headgate: https, a lower-case host, no user',
  })

/** True for plain HTTP to loopback, which only evaluation mode allows. */
export function isLoopbackReceiver(url: string): boolean {
  return LOOPBACK_RECEIVER.test(url)
}

const Mail = z.email().max(254)
const Mails = z.array(Mail).min(1).max(50)
const Instant = z.iso.datetime({ offset: true })

export const AlertChannel = z.object({
  id: AlertChannelId,
  name: DisplayName,
  kind: AlertChannelKind,
  /** Of a webhook; null for the others. */
  url: ReceiverUrl.nullable(),
  /**
   * Names, for a webhook, the secret it is signed with (`whsec_` and base64); for a chat, its address; for
   * e-mail, the server as `smtps://user:password@host:465`.
   */
  secretRef: SecretRef,
  /** Of e-mail; null for the others. */
  mailFrom: Mail.nullable(),
  mailTo: Mails.nullable(),
  /** Only these events; null for all. */
  eventTypes: z
    .array(OutboxEventType.exclude(['alert.test']))
    .min(1)
    .nullable(),
  /** Only what concerns these teams, and nothing that concerns none; null for all. */
  teamIds: z.array(TeamId).min(1).max(200).nullable(),
  /** Only these budgets, and nothing but budgets; null for all. */
  budgetIds: z.array(BudgetId).min(1).max(200).nullable(),
  /** Events before this instant are not sent. */
  mutedUntil: Instant.nullable(),
  createdAt: Instant,
})
export type AlertChannel = z.infer<typeof AlertChannel>

export const NewAlertChannel = AlertChannel.omit({ id: true, createdAt: true })
  .extend({
    url: ReceiverUrl.nullable().default(null),
    mailFrom: Mail.nullable().default(null),
    mailTo: Mails.nullable().default(null),
    eventTypes: AlertChannel.shape.eventTypes.default(null),
    teamIds: AlertChannel.shape.teamIds.default(null),
    budgetIds: AlertChannel.shape.budgetIds.default(null),
    mutedUntil: Instant.nullable().default(null),
  })
  .strict()
  .superRefine((it, context) => {
    for (const { field, message } of fieldFaults(it))
      context.addIssue({ code: 'custom', path: [field], message })
  })
export type NewAlertChannel = z.infer<typeof NewAlertChannel>

/** The kind stays: another kind is another channel. */
export const AlertChannelChange = AlertChannel.omit({ id: true, kind: true, createdAt: true })
  .partial()
  .strict()
export type AlertChannelChange = z.infer<typeof AlertChannelChange>

type Address = Pick<AlertChannel, 'kind' | 'url' | 'mailFrom' | 'mailTo'>

/** The fields that this kind needs and are missing, or that it has no use for. */
function fieldFaults(it: Address): { field: 'url' | 'mailFrom' | 'mailTo'; message: string }[] {
  const wanted = { url: it.kind === 'webhook', mailFrom: it.kind === 'email', mailTo: it.kind === 'email' }
  const fields = Object.keys(wanted) as (keyof typeof wanted)[]
  return fields
    .filter((field) => wanted[field] !== (it[field] !== null))
    .map((field) => ({
      field,
      message: `${wanted[field] ? 'needed for' : 'refused with'} the kind ${it.kind}`,
    }))
}

type Listening = Pick<AlertChannel, 'eventTypes' | 'teamIds' | 'budgetIds' | 'mutedUntil'>

/** Whether a channel is told of an event of this kind, team and perhaps budget, at this instant. */
export function listensTo(
  { eventTypes, teamIds, budgetIds, mutedUntil }: Listening,
  event: {
    readonly type: OutboxEventType
    /** Left out where it concerns no single team. */
    readonly teamId?: string
    readonly budgetId?: string
    readonly atMs: number
  },
): boolean {
  if (mutedUntil !== null && event.atMs < Date.parse(mutedUntil)) return false
  if (eventTypes !== null && !(eventTypes as readonly string[]).includes(event.type)) return false
  if (teamIds !== null && (event.teamId === undefined || !teamIds.includes(event.teamId))) return false
  return budgetIds === null || (event.budgetId !== undefined && budgetIds.includes(event.budgetId))
}
