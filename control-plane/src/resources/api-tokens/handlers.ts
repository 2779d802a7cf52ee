/** What the admin API does with API tokens. Nobody makes one that can do or live more than they themselves. */
import type { apiTokens } from '@headgate/admin-contract/api-tokens'
import type { Handlers } from '@headgate/admin-contract/operation'
import { mintApiToken, TOKEN_DAYS_MAX } from '@headgate/domain/api-token'
import { digestOf } from '../../database/digest.ts'
import { fieldFault, found, type HandlerContext, refuseBeyond, refuseThePast } from '../context.ts'
import { refuseUnknownTeams } from '../granted-teams.ts'
import { insertToken, listTokens, readToken, revokeToken } from './queries.ts'

const DAY_MS = 24 * 60 * 60 * 1000

export const apiTokensHandlers: Handlers<typeof apiTokens, HandlerContext> = {
  list: ({ query }, { db }) => listTokens(db, query),
  read: async ({ params }, { db }) => found(await readToken(db, params.tokenId)),
  create: async ({ body }, context) => {
    const { role, teamIds, rights } = body
    refuseThePast('/expires_at', body.expiresAt, context)
    refuseLongLife(body.expiresAt, context)
    refuseBeyond(context, { grants: [{ role, teamIds }], rights })
    await refuseUnknownTeams(context.db, teamIds)
    const secret = mintApiToken()
    const made = await insertToken(context.db, {
      ...body,
      id: context.newId('tok'),
      digest: digestOf(secret),
      lastFour: secret.slice(-4),
      createdBy: context.actor,
      createdAt: context.now,
      revokedAt: null,
      lastUsedAt: null,
    })
    return { changed: true, reply: { ...made, secret }, subjectId: made.id, before: null, after: made }
  },
  revoke: async ({ params }, { db, now }) => {
    const before = found(await readToken(db, params.tokenId))
    if (before.revokedAt !== null) return { changed: false, reply: before }
    const after = await revokeToken(db, before.id, now)
    return { changed: true, reply: after, subjectId: after.id, before, after }
  },
}

/** A token made by a token ends with it at the latest, or a short-lived one could make itself a long-lived one. */
function refuseLongLife(expiresAt: string, { by, nowMs }: HandlerContext): void {
  const own = by?.credential === 'api_token' ? Date.parse(by.expiresAt ?? '') : Number.POSITIVE_INFINITY
  const untilMs = Math.min(nowMs + TOKEN_DAYS_MAX * DAY_MS, own)
  if (Date.parse(expiresAt) <= untilMs) return
  throw fieldFault('/expires_at', {
    code: 'too_late',
    message: `the latest possible is ${new Date(untilMs).toISOString()}`,
    fix: 'Send that or an earlier instant.',
  })
}
