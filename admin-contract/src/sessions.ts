/** Browser sessions of everybody in the admin API, for those who answer for security. */
import { Session } from '@headgate/domain/session'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const sessions = {
  list: operation({
    method: 'GET',
    path: '/sessions',
    right: 'sessions.read',
    summary: 'Lists the open browser sessions, newest first; of one actor if asked.',
    query: PageQuery.extend({ actor: z.string().max(200).optional() }),
    reply: pageOf(Session),
  }),
  end: operation({
    method: 'POST',
    path: '/sessions/{sessionId}/end',
    right: 'sessions.end',
    audit: 'session.ended',
    changesCatalog: false,
    status: 200,
    summary: 'Ends a browser session of anybody, at once. Safe to repeat.',
    reply: Session,
  }),
}
