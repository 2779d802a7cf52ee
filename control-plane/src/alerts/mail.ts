/** Sends an event by e-mail, as plain text. The message id is the same for every attempt, which tells repeats apart. */
import { lookup as lookupAny } from 'node:dns'
import { isIP } from 'node:net'
import { type OutboxEvent, sentenceOf } from '@headgate/domain/outbox-event'
import { createTransport } from 'nodemailer'
import { DEADLINE_MS } from './post.ts'
import { literalIsAllowed, type ReceiverGuard } from './receiver-guard.ts'

const LOOPBACK = '127.0.0.1'

export type MailPlan = {
  /** `smtps://user:password@host:465`; `smtp://…:587` must offer STARTTLS, but on loopback. */
  readonly server: string
  readonly messageId: string
  readonly from: string
  readonly to: readonly string[]
  readonly guard: ReceiverGuard
}

const subjects = {
  'budget.reached': 'Headgate: a budget has reached a part of its amount',
  'budget.forecast': 'Headgate: a budget will be overrun',
  'key-rotation.due': 'Headgate: the secret of a key is to be replaced',
  'key-rotation.overdue': 'Headgate: the secret of a key was not replaced in time',
  'sink.lagging': 'Headgate: a sink of usage is behind',
  'alert.test': 'Headgate: a test',
} as const satisfies Record<OutboxEvent['type'], string>

/**
 * @returns what the server answered
 * @throws Error when it did not take the message, in words that may be shown
 */
export async function sendMail(event: OutboxEvent, it: MailPlan): Promise<string> {
  const server = serverIn(it.server)
  const address = await addressOf(server.host, it.guard)
  const transport = createTransport({
    ...{
      host: address,
      port: server.port,
      secure: server.secure,
      requireTLS: !server.secure && address !== LOOPBACK,
    },
    ...(isIP(server.host) === 0 && { tls: { servername: server.host } }),
    ...(server.user !== '' && { auth: { user: server.user, pass: server.password } }),
    ...{ connectionTimeout: DEADLINE_MS, greetingTimeout: DEADLINE_MS, socketTimeout: DEADLINE_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })
  try {
    const sent = await transport.sendMail({
      ...{ from: it.from, to: [...it.to], messageId: it.messageId },
      ...{ subject: subjects[event.type], text: `${sentenceOf(event)}\n`, date: new Date(event.at) },
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    const refused = sent.rejected.length
    return refused === 0
      ? sent.response
      : `${sent.response} (${refused} of ${it.to.length} recipients refused)`
  } finally {
    transport.close()
  }
}

function serverIn(text: string) {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'smtps:' && url.protocol !== 'smtp:') || url.hostname === '')
    throw new Error('the mail server must be written as smtps://user:password@host:465')
  const secure = url.protocol === 'smtps:'
  return {
    ...{ host: url.hostname, secure, port: Number(url.port || (secure ? 465 : 587)) },
    ...{ user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
  }
}

/** Resolved here, so that what was judged is what is connected to. */
function addressOf(host: string, guard: ReceiverGuard): Promise<string> {
  if (!literalIsAllowed(guard, host))
    return Promise.reject(new Error('its address is one that alerts may not be sent to'))
  const lookup = isIP(host) === 0 ? guard.lookup : lookupAny
  return new Promise((resolve, reject) => {
    lookup(host, {}, (fault: Error | null, address: unknown) =>
      fault ? reject(fault) : resolve(String(address)),
    )
  })
}
