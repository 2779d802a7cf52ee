/** What the admin API does with proxy keys. The secret is in one reply and in no row, log or audit event. */
import type { keys } from '@headgate/admin-contract/keys'
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { mintKey, type ProxyKey } from '@headgate/domain/proxy-key'
import { fieldFault, found, type HandlerContext, PEPPER_VERSION } from '../context.ts'
import { differences, inUse, refusingReferrers } from '../things.ts'
import { expiryOf, refuseLongLife } from './expiry.ts'
import {
  deleteKey,
  hasLimitsBelow,
  hasPolicies,
  insertKey,
  isKeyPublished,
  listKeys,
  lockKey,
  readApp,
  readKey,
  updateKey,
} from './queries.ts'

export const keysHandlers: Handlers<typeof keys, HandlerContext> = {
  list: ({ query }, { db }) => listKeys(db, query),
  read: async ({ params }, { db }) => found(await readKey(db, params.keyId)),
  create: async ({ body }, context) => {
    const expiresAt = await expiryOf(body.expiresAt, context)
    const secret = mintKey(body.environment)
    const key = {
      ...body,
      expiresAt,
      id: context.newId('key'),
      teamId: (await appOf(body.appId, context)).teamId,
      state: 'active' as const,
      lastFour: secret.slice(-4),
      createdAt: context.now,
    }
    const digest = context.digestKey(secret)
    const made = await insertKey(context.db, key, { digest, pepperVersion: PEPPER_VERSION })
    context.keyChanged(key.id)
    return { changed: true, reply: { ...made, secret }, subjectId: key.id, before: null, after: made }
  },
  change: async ({ params, body }, context) => {
    const before = found(await lockKey(context.db, params.keyId))
    const fields = differences<ProxyKey>(before, body as Partial<ProxyKey>)
    if (Object.keys(fields).length === 0) return { changed: false, reply: before }
    if (before.state === 'revoked') throw revokedForGood()
    if (fields.expiresAt !== undefined) await refuseLongLife(fields.expiresAt, before.createdAt, context)
    await refuseMove(before, fields, context)
    const after = await updateKey(context.db, { id: before.id, now: context.now }, fields)
    context.keyChanged(before.id)
    return { changed: true, reply: after, subjectId: after.id, before, after }
  },
  revoke: async ({ params }, { db, now, keyChanged }) => {
    const before = found(await lockKey(db, params.keyId))
    // Told again even when it changes nothing: whoever repeats a revocation wants to be sure.
    keyChanged(before.id)
    if (before.state === 'revoked') return { changed: false, reply: before }
    const after = await updateKey(db, { id: before.id, now }, { state: 'revoked' })
    return { changed: true, reply: after, subjectId: after.id, before, after }
  },
  remove: async ({ params }, { db, nowMs }) => {
    const before = found(await lockKey(db, params.keyId))
    const isExpired = before.expiresAt !== null && Date.parse(before.expiresAt) <= nowMs
    if (before.state !== 'revoked' && !isExpired) throw stillGood()
    // Gateways go by what they were told last, and of a removed key they would be told nothing any more.
    if (!(await isKeyPublished(db, before.id))) throw notToldYet()
    if (await hasPolicies(db, before.id)) throw inUse('policies')
    await refusingReferrers(() => deleteKey(db, before.id))
    return { changed: true, reply: before, subjectId: before.id, before, after: null }
  },
}

async function appOf(appId: string, { db }: HandlerContext): Promise<{ teamId: string }> {
  const app = await readApp(db, appId)
  if (app !== undefined) return app
  throw fieldFault('/app_id', {
    code: 'unknown_reference',
    message: 'there is no app with this id',
    fix: 'Send the id of an app that exists.',
  })
}

/** A key may go to another app or user of its team, unless its limits are parts of those of the one it leaves. */
async function refuseMove(
  before: ProxyKey,
  { appId, userId }: Partial<ProxyKey>,
  context: HandlerContext,
): Promise<void> {
  if (appId !== undefined && (await appOf(appId, context)).teamId !== before.teamId) {
    throw fieldFault('/app_id', {
      code: 'other_team',
      message: 'this app belongs to another team',
      fix: 'Send an app of the same team; for another team, create a key there and revoke this one.',
    })
  }
  const left = [
    ['/app_id', appId === undefined ? null : before.appId],
    ['/user_id', userId === undefined ? null : before.userId],
  ] as const
  for (const [pointer, ownerId] of left) {
    if (ownerId === null || !(await hasLimitsBelow(context.db, before.id, ownerId))) continue
    throw fieldFault(pointer, {
      code: 'has_limits_below',
      message: 'limits of this key are shares of limits of the owner it would leave',
      fix: 'Remove those limits first, and make them anew afterwards.',
    })
  }
}

function revokedForGood(): AdminProblem {
  return new AdminProblem('conflict', 'Nothing was changed: a revoked key stays as it is.', {
    faults: [
      {
        pointer: '',
        code: 'revoked',
        message: 'the key is revoked',
        fix: 'Create another key in its place.',
      },
    ],
  })
}

function stillGood(): AdminProblem {
  return new AdminProblem('conflict', 'Nothing was changed: this key still works or may work again.', {
    faults: [
      { pointer: '', code: 'not_revoked', message: 'the key is not revoked', fix: 'Revoke it first.' },
    ],
  })
}

function notToldYet(): AdminProblem {
  return new AdminProblem('conflict', 'Nothing was changed: the gateways have not heard of its end yet.', {
    faults: [
      {
        pointer: '',
        code: 'not_published',
        message: 'its revocation has not reached the gateways',
        fix: 'Try again when Redis can be reached.',
      },
    ],
  })
}
