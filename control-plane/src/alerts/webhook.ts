/**
 * Events as machines and chats read them. Webhooks are signed after the Standard Webhooks specification
 * (standardwebhooks.com), so receivers can verify them with its libraries; chats get one sentence, with all that
 * their mark-up would read made plain.
 */
import { createHmac } from 'node:crypto'
import { renameKeys } from '@headgate/admin-contract/wire'
import { type OutboxEvent, sentenceOf } from '@headgate/domain/outbox-event'

const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64

/** The body of a webhook. The same bytes for every attempt. */
export function webhookBody({ type, at, data }: OutboxEvent): string {
  return JSON.stringify({ type, timestamp: at, data: renameKeys(data) })
}

/**
 * The headers that make a webhook known and its signature checkable.
 * @param secret `whsec_` and base64 of 24 to 64 bytes
 * @param atSeconds of this attempt, so that an old request cannot be sent again by others
 * @throws Error when the secret is none
 */
export function signedHeaders(
  { id, body, atSeconds }: { readonly id: string; readonly body: string; readonly atSeconds: number },
  secret: string,
): Record<string, string> {
  const key = keyIn(secret)
  const signature = createHmac('sha256', key).update(`${id}.${atSeconds}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': String(atSeconds),
    'webhook-signature': `v1,${signature}`,
  }
}

function keyIn(secret: string): Buffer {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1]
  const key = Buffer.from(encoded ?? '', 'base64')
  if (key.length >= SECRET_BYTES_MIN && key.length <= SECRET_BYTES_MAX) return key
  throw new Error(
    `the signing secret must be whsec_ and base64 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes: make one with "echo whsec_$(openssl rand -base64 32)"`,
  )
}

/** The body of an incoming webhook of Slack. */
export function slackBody(event: OutboxEvent): string {
  const text = sentenceOf(event).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return JSON.stringify({ blocks: [{ type: 'section', text: { type: 'plain_text', text } }], text })
}

/** The body for a workflow of Teams that waits for a webhook: a card whose text is not read as mark-up. */
export function teamsBody(event: OutboxEvent): string {
  const text = { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: sentenceOf(event) }] }
  const content = { type: 'AdaptiveCard', version: '1.4', body: [text] }
  return JSON.stringify({
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }],
  })
}
