/** Mail leaves for another machine over TLS alone, to the server that its certificate names, or not at all. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, expect, test } from 'vitest'
import { selfSigned } from '../../../tests/servers/self-signed.ts'
import { sendMail } from './mail.ts'

const trusted = getCACertificates('default')
const passwords: string[] = []
const mails: { readonly secure: boolean; readonly text: string }[] = []
const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  setDefaultCACertificates(trusted)
  passwords.length = 0
  mails.length = 0
  for (const close of closing.splice(0)) await close()
})

const event: OutboxEvent = {
  ...{ id: `evt_${'0'.repeat(26)}`, type: 'alert.test', at: '2026-11-01T00:00:00.000Z' },
  data: { channelId: 'chn_1', channelName: 'mail' },
} as never

/** A server that says what it got, and over what. @returns its port */
async function mailServer(options: SMTPServerOptions): Promise<number> {
  const server = new SMTPServer({
    ...{ key: selfSigned.key, cert: selfSigned.certificate, ...options },
    onAuth: ({ password }, _, done) => {
      passwords.push(password ?? '')
      done(null, { user: 'u' })
    },
    onData: (stream, session, done) => {
      let text = ''
      stream.on('data', (piece) => {
        text += piece
      })
      stream.on('end', () => {
        mails.push({ secure: session.secure, text })
        done(null)
      })
    },
  })
  // Clients that hang up at a certificate are none of its business.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', () => resolve()))
  closing.push(() => new Promise((resolve) => server.close(() => resolve())))
  return (server.server.address() as { port: number }).port
}

/** Another machine, as far as the rules see: every name leads there. */
const guard = {
  allows: () => true,
  lookup: (_: string, __: object, done: (fault: null, address: string, family: number) => void) =>
    done(null, '127.0.0.2', 4),
}

const send = (server: string) =>
  sendMail(event, {
    ...{ server, messageId: '<one@example.com>', from: 'headgate@example.com', to: ['a@example.com'] },
    guard: guard as never,
  })

const trust = () => setDefaultCACertificates([...trusted, selfSigned.certificate])
const withoutStartTls = { hideSTARTTLS: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true }

test('smtps:// and STARTTLS deliver over TLS to a server that the certificate names', async () => {
  trust()
  await send(`smtps://u:secret@mail.example.com:${await mailServer({ secure: true })}`)
  await send(`smtp://u:secret@mail.example.com:${await mailServer({})}`)
  expect(mails.map((it) => it.secure)).toEqual([true, true])
  expect(mails[0]?.text).toMatch(/^Message-ID: <one@example\.com>/im)
  expect(passwords).toEqual(['secret', 'secret'])
})

test('without STARTTLS, with a certificate that nobody trusts or of another name, nothing is said, no password either', async () => {
  const [secure, upgraded] = [await mailServer({ secure: true }), await mailServer({})]
  const plain = await mailServer(withoutStartTls)
  await expect(send(`smtps://u:secret@mail.example.com:${secure}`)).rejects.toThrow(/self.signed/)
  await expect(send(`smtp://u:secret@mail.example.com:${upgraded}`)).rejects.toThrow(/self.signed/)
  trust()
  await expect(send(`smtp://u:secret@mail.example.com:${plain}`)).rejects.toThrow(/STARTTLS/i)
  await expect(send(`smtps://u:secret@other.example.com:${secure}`)).rejects.toThrow(/altnames/i)
  expect([mails, passwords]).toEqual([[], []])
})
