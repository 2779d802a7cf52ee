/** One attempt to tell a channel of an event, whatever kind it is. Never throws: what went wrong is its outcome. */
import { type AlertChannel, isLoopbackReceiver, ReceiverUrl } from '@headgate/domain/alert-channel'
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import type { Clock, SecretResolver } from '@headgate/domain/ports'
import { redact } from '@headgate/domain/redaction'
import { sendMail } from './mail.ts'
import { type Posted, post } from './post.ts'
import type { ReceiverGuard } from './receiver-guard.ts'
import { signedHeaders, slackBody, teamsBody, webhookBody } from './webhook.ts'

const ANSWER_LENGTH_MAX = 300
const GONE = 410

export type SendingPlan = {
  readonly secrets: SecretResolver
  readonly guard: ReceiverGuard
  readonly clock: Pick<Clock, 'nowMs'>
}

export type Outcome = {
  readonly isReceived: boolean
  /** True when the receiver says that it wants no more. */
  readonly isGone: boolean
  /** For people; holds no secret. */
  readonly answer: string
}

export async function sendAlert(
  channel: AlertChannel,
  event: OutboxEvent,
  plan: SendingPlan,
): Promise<Outcome> {
  let secret = ''
  try {
    secret = (await plan.secrets.resolve(channel.secretRef)).reveal()
    if (channel.kind === 'email') return received(await mail(channel, event, { secret, guard: plan.guard }))
    return outcomeOf(await posted(channel, event, { secret, ...plan }))
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault)
    // The address of a chat and the password of a mail server stand in errors of the libraries.
    const answer = shown(secret === '' ? reason : reason.replaceAll(secret, '[secret]'))
    return { isReceived: false, isGone: false, answer }
  }
}

type WithSecret<T> = T & { readonly secret: string }

function posted(
  { kind, url }: AlertChannel,
  event: OutboxEvent,
  { secret, guard, clock }: WithSecret<Pick<SendingPlan, 'guard' | 'clock'>>,
): Promise<Posted> {
  const json = { 'content-type': 'application/json', 'user-agent': 'Headgate' }
  if (kind !== 'webhook') {
    const body = kind === 'slack' ? slackBody(event) : teamsBody(event)
    return post(chatUrl(secret, guard), { headers: json, body, guard })
  }
  const body = webhookBody(event)
  const atSeconds = Math.floor(clock.nowMs() / 1000)
  const headers = { ...json, ...signedHeaders({ id: event.id, body, atSeconds }, secret) }
  return post(url ?? '', { headers, body, guard })
}

/** @throws Error that does not repeat it */
function chatUrl(secret: string, guard: ReceiverGuard): string {
  const isAllowed = !isLoopbackReceiver(secret) || guard.allows('127.0.0.1')
  if (ReceiverUrl.safeParse(secret).success && isAllowed) return secret
  throw new Error('the secret must be the https address that the chat gave for this channel')
}

function mail(
  { id, mailFrom, mailTo }: AlertChannel,
  event: OutboxEvent,
  { secret: server, guard }: WithSecret<Pick<SendingPlan, 'guard'>>,
): Promise<string> {
  const from = mailFrom ?? ''
  const messageId = `<${event.id}.${id}@${from.split('@')[1]}>`
  return sendMail(event, { server, messageId, from, to: mailTo ?? [], guard })
}

function outcomeOf({ status, text }: Posted): Outcome {
  const answer = shown(text.trim() === '' ? `HTTP ${status}` : `HTTP ${status}: ${text.trim()}`)
  const isReceived = status >= 200 && status < 300
  const isRedirect = status >= 300 && status < 400
  return {
    ...{ isReceived, isGone: status === GONE },
    answer: isRedirect ? `${answer} (redirects are not followed)` : answer,
  }
}

function received(text: string): Outcome {
  return { isReceived: true, isGone: false, answer: shown(text) }
}

/** One line, without what looks like a credential. */
function shown(text: string): string {
  return redact(text.replace(/\p{C}+/gu, ' '), ANSWER_LENGTH_MAX)
}
