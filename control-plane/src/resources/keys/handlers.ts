/** What the admin API does with proxy keys. The secret is in one reply and in no row, log or audit event. */
import type { keys } from '@headgate/admin-contract/keys'
import type { Handlers } from '@headgate/admin-contract/operation'
import { mintKey, type NewProxyKey } from '@headgate/domain/proxy-key'
import { fieldFault, found, type HandlerContext } from '../context.ts'
import { insertKey, listKeys, lockKey, readKey, setKeyState } from './queries.ts'

/** Which pepper digests are made under. There is one until peppers can be changed. */
const PEPPER_VERSION = 1

export const keysHandlers: Handlers<typeof keys, HandlerContext> = {
  list: ({ query }, { db }) => listKeys(db, query),
  read: async ({ params }, { db }) => found(await readKey(db, params.keyId)),
  create: async ({ body }, context) => {
    const secret = mintKey(body.environment)
    const key = await insertKey(context.db, {
      ...body,
      id: context.newId('key'),
      teamId: await teamOf(body, context),
      state: 'active',
      lastFour: secret.slice(-4),
      createdAt: context.now,
      digest: context.digestKey(secret),
      pepperVersion: PEPPER_VERSION,
    })
    context.keyChanged(key.id)
    return { changed: true, reply: { ...key, secret }, subjectId: key.id, before: null, after: key }
  },
  revoke: async ({ params }, { db, keyChanged }) => {
    const before = found(await lockKey(db, params.keyId))
    // Told again even when it changes nothing: whoever repeats a revocation wants to be sure.
    keyChanged(before.id)
    if (before.state === 'revoked') return { changed: false, reply: before }
    const after = await setKeyState(db, before.id, 'revoked')
    return { changed: true, reply: after, subjectId: after.id, before, after }
  },
}

async function teamOf(body: NewProxyKey, { db, nowMs }: HandlerContext): Promise<string> {
  if (body.expiresAt !== null && Date.parse(body.expiresAt) <= nowMs) {
    throw fieldFault('/expires_at', {
      code: 'in_the_past',
      message: 'this instant has passed',
      fix: 'Send an instant to come, or null for a key that does not expire.',
    })
  }
  const app = await db.selectFrom('apps').select('teamId').where('id', '=', body.appId).executeTakeFirst()
  if (app === undefined) {
    throw fieldFault('/app_id', {
      code: 'unknown_reference',
      message: 'there is no app with this id',
      fix: 'Send the id of an app that exists.',
    })
  }
  return app.teamId
}
