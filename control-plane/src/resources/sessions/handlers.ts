/** What the admin API does with browser sessions: everybody their own, security anybody's. */
import type { me } from '@headgate/admin-contract/me'
import type { Change, Handlers } from '@headgate/admin-contract/operation'
import type { sessions } from '@headgate/admin-contract/sessions'
import { rightsOf } from '@headgate/domain/access'
import type { Session } from '@headgate/domain/session'
import { type Actor, found, type HandlerContext } from '../context.ts'
import { endSession, listSessions, readSession } from './queries.ts'

const OWN_MAX = 100

export const sessionsHandlers: Handlers<typeof sessions, HandlerContext> = {
  list: ({ query }, { db, now }) => listSessions(db, query, now),
  end: ({ params }, context) => end(params.sessionId, context),
}

export const meHandlers: Handlers<typeof me, HandlerContext> = {
  read: async (_, context) => {
    const { name, called, credential, access, expiresAt, csrfToken } = asking(context)
    const { grants } = access
    const rights = rightsOf(access)
    return { actor: name, name: called, credential, grants: [...grants], rights, expiresAt, csrfToken }
  },
  sessions: async (_, context) => {
    const { name, credentialId } = asking(context)
    const { data } = await listSessions(context.db, { actor: name, limit: OWN_MAX }, context.now)
    return { data: data.map((it) => ({ ...it, isThisOne: it.id === credentialId })) }
  },
  endSession: ({ params }, context) => end(params.sessionId, context, asking(context).name),
}

async function end(id: string, { db, now }: HandlerContext, actor?: string): Promise<Change<Session>> {
  const { endedAt, ...before } = found(await readSession(db, id, actor))
  if (endedAt !== null) return { changed: false, reply: before }
  const after = await endSession(db, id, now)
  return { changed: true, reply: after, subjectId: id, before, after: { ...after, endedAt: now } }
}

/** Requests always come from somebody; only jobs do not. */
function asking({ by }: HandlerContext): Actor {
  if (by === null) throw new Error('an operation about whoever asks was done by nobody')
  return by
}
