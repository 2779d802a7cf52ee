/** What concerns whoever asks: who they are, what they may do, their own sessions. */
import { Grant } from '@headgate/domain/access'
import { Session } from '@headgate/domain/session'
import { z } from 'zod'
import { operation } from './operation.ts'
import { HeldRight } from './role-mappings.ts'

const Me = z.object({
  /** As audit events call them. */
  actor: z.string(),
  name: z.string(),
  credential: z.enum(['admin_token', 'api_token', 'session', 'access_token']),
  grants: z.array(Grant),
  rights: z.array(HeldRight),
  /** When the credential ends; null when it does not. */
  expiresAt: z.iso.datetime({ offset: true }).nullable(),
  /** What writes of a browser session send as `X-CSRF-Token`; null for other credentials. */
  csrfToken: z.string().nullable(),
})

export const me = {
  read: operation({
    method: 'GET',
    path: '/me',
    right: 'signed-in',
    summary: 'Says who asks and what they may do: every right they have, and for which teams.',
    reply: Me,
  }),
  sessions: operation({
    method: 'GET',
    path: '/me/sessions',
    right: 'signed-in',
    summary: 'Lists the open browser sessions of whoever asks, newest first; at most 100.',
    reply: z.object({ data: z.array(Session.extend({ isThisOne: z.boolean() })) }),
  }),
  endSession: operation({
    method: 'POST',
    path: '/me/sessions/{sessionId}/end',
    right: 'signed-in',
    audit: 'session.ended',
    changesCatalog: false,
    status: 200,
    summary: 'Ends a browser session of whoever asks, at once; the one in use too. Safe to repeat.',
    reply: Session,
  }),
}
