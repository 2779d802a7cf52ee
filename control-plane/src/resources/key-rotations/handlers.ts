/**
 * What the admin API does with rotations. One at a time for each key: a new secret waits for its time or works
 * at once, the old one ends after its grace. `startRotation` is what the job does when the time has come.
 */
import type { keyRotations } from '@headgate/admin-contract/key-rotations'
import type { Change, Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { graceEnd, type KeyRotation, type KeySecret } from '@headgate/domain/key-secret'
import { mintKey } from '@headgate/domain/proxy-key'
import { readOrganisationSettings } from '../../database/organisation-settings.ts'
import { setRotationDates } from '../../database/rotation-dates.ts'
import {
  fieldFault,
  found,
  type HandlerContext,
  notFound,
  PEPPER_VERSION,
  refuseThePast,
} from '../context.ts'
import {
  countClients,
  deleteSecret,
  hasKey,
  insertSecret,
  lockRotatedKey,
  type RotatedKey,
  readSecrets,
  type StoredSecret,
  showSecret,
  updateSecret,
} from './queries.ts'

const DAY_MS = 24 * 60 * 60_000

export const keyRotationsHandlers: Handlers<typeof keyRotations, HandlerContext> = {
  read: async ({ params }, { db, now }) =>
    found(rotationOf(params.keyId, await readSecrets(db, params.keyId), now)),
  clients: async ({ params, query }, { db, nowMs }) => {
    if (!(await hasKey(db, params.keyId))) throw notFound()
    const from = new Date(query.from === undefined ? nowMs - DAY_MS : Date.parse(query.from)).toISOString()
    return { from, ...(await countClients(db, params.keyId, from)) }
  },
  create: async ({ params, body }, context) => {
    const key = found(await lockRotatedKey(context.db, params.keyId))
    refuseEnded(key, context)
    refuseThePast('/starts_at', body.startsAt, context)
    const secrets = await readSecrets(context.db, key.id)
    const running = rotationOf(key.id, secrets, context.now)
    if (running !== undefined && running.state !== 'ended') throw underWay(running)
    const secret = mintKey(key.environment)
    const { rotationGraceMinutes } = await readOrganisationSettings(context.db, context.fixedSettings)
    const { graceMinutes = rotationGraceMinutes, startsAt } = body
    const made = {
      keyId: key.id,
      number: (secrets[0]?.number ?? 0) + 1,
      lastFour: secret.slice(-4),
      digest: context.digestKey(secret),
      pepperVersion: PEPPER_VERSION,
      stage: 'next' as const,
      createdAt: context.now,
      startsAt: startsAt ?? context.now,
      graceMinutes,
      endsAt: null,
    }
    await insertSecret(context.db, made)
    if (startsAt === null) await begin(key.id, context)
    const after = await current(key.id, context)
    return { changed: true, reply: { ...after, secret }, subjectId: key.id, before: running ?? null, after }
  },
  change: async ({ params, body }, context) => {
    const before = await lockRotation(params.keyId, context)
    const { graceMinutes = before.graceMinutes, startsAt } = body
    if (before.state === 'ended') throw overAlready()
    if (startsAt !== undefined && before.state !== 'scheduled') throw begunAlready()
    refuseThePast('/starts_at', startsAt, context)
    const keyId = params.keyId
    const place = { keyId, number: before.newSecret.number }
    await updateSecret(context.db, place, { graceMinutes, ...(startsAt === undefined ? {} : { startsAt }) })
    if (before.state === 'grace') await endOld(before, graceEnd(before.startsAt, graceMinutes), context)
    return changed(before, context)
  },
  end: async ({ params }, context) => {
    const before = await lockRotation(params.keyId, context)
    if (before.state === 'ended') return { changed: false, reply: before }
    if (before.state === 'grace') {
      await endOld(before, context.now, context)
      return changed(before, context)
    }
    await deleteSecret(context.db, params.keyId, before.newSecret.number)
    const after = { ...before, state: 'ended' as const }
    return { changed: true, reply: after, subjectId: params.keyId, before, after }
  },
}

/** Lets the secret whose time has come take over. Does nothing where somebody has done it or called it off. */
export async function startRotation(
  keyId: string,
  context: HandlerContext,
): Promise<Change<KeyRotation | null>> {
  const key = await lockRotatedKey(context.db, keyId)
  const before = key && rotationOf(keyId, await readSecrets(context.db, keyId), context.now)
  if (before?.state !== 'scheduled' || Date.parse(before.startsAt) > context.nowMs)
    return { changed: false, reply: null }
  await begin(keyId, context)
  return changed(before, context)
}

/** The next secret becomes the current one, and that one ends after its grace, counted from now. */
async function begin(keyId: string, context: HandlerContext): Promise<void> {
  const { db, now } = context
  const [next, ...others] = await readSecrets(db, keyId)
  const old = others.find((it) => it.stage === 'current')
  if (next?.stage !== 'next' || old === undefined) throw new Error(`key ${keyId} has no secret to take over`)
  const endsAt = graceEnd(now, next.graceMinutes)
  await updateSecret(db, { keyId, number: old.number }, { stage: 'old', endsAt })
  await updateSecret(db, { keyId, number: next.number }, { stage: 'current', startsAt: now })
  await showSecret(db, keyId, next.lastFour)
  await setRotationDates(db, { keyId }, now)
  context.keyChanged(keyId)
}

async function endOld({ keyId, oldSecret, newSecret }: KeyRotation, endsAt: string, context: HandlerContext) {
  const end = endsAt < context.now ? context.now : endsAt
  await updateSecret(context.db, { keyId, number: oldSecret.number }, { endsAt: end })
  await showSecret(context.db, keyId, newSecret.lastFour)
  context.keyChanged(keyId)
}

async function lockRotation(keyId: string, context: HandlerContext): Promise<KeyRotation> {
  found(await lockRotatedKey(context.db, keyId))
  return current(keyId, context)
}

async function current(keyId: string, { db, now }: HandlerContext): Promise<KeyRotation> {
  return found(rotationOf(keyId, await readSecrets(db, keyId), now))
}

async function changed(
  before: KeyRotation,
  context: HandlerContext,
): Promise<Change<KeyRotation> & { changed: true }> {
  const after = await current(before.keyId, context)
  return { changed: true, reply: after, subjectId: before.keyId, before, after }
}

/** The rotation that a key's secrets, the youngest first, stand in; undefined when it never was rotated. */
function rotationOf(keyId: string, secrets: readonly StoredSecret[], now: string): KeyRotation | undefined {
  const [newest, older] = secrets
  if (newest === undefined || older === undefined) return undefined
  const { graceMinutes, startsAt } = newest
  const endsAt = older.endsAt ?? graceEnd(startsAt, graceMinutes)
  const state =
    newest.stage === 'next' ? 'scheduled' : Date.parse(endsAt) > Date.parse(now) ? 'grace' : 'ended'
  return { keyId, state, oldSecret: shown(older), newSecret: shown(newest), graceMinutes, startsAt, endsAt }
}

function shown({ graceMinutes: _, ...secret }: StoredSecret): KeySecret {
  return secret
}

function refuseEnded({ state, expiresAt }: RotatedKey, { nowMs }: HandlerContext): void {
  const why =
    state === 'revoked' ? 'revoked' : expiresAt !== null && Date.parse(expiresAt) <= nowMs ? 'expired' : null
  if (why === null) return
  throw refused(`Nothing was changed: the key is ${why}.`, {
    code: why,
    message: `the key is ${why}`,
    fix: why === 'revoked' ? 'Create another key in its place.' : 'Move its expiry first.',
  })
}

function underWay({ state, endsAt, startsAt }: KeyRotation): AdminProblem {
  const what =
    state === 'scheduled' ? `one is scheduled for ${startsAt}` : `the old secret works until ${endsAt}`
  return refused(`Nothing was changed: the key is being rotated already, ${what}.`, {
    code: 'rotation_under_way',
    message: what,
    fix: 'End that rotation (DELETE /keys/{key_id}/rotations/current), or wait for its end.',
  })
}

function overAlready(): AdminProblem {
  return refused('Nothing was changed: this rotation has ended.', {
    code: 'rotation_ended',
    message: 'the old secret does not work any more',
    fix: 'Rotate the key anew; a secret that has ended stays so.',
  })
}

function begunAlready(): AdminProblem {
  return fieldFault('/starts_at', {
    code: 'already_begun',
    message: 'the rotation has begun',
    fix: 'Leave it out; `grace_minutes` says how long the old secret goes on.',
  })
}

function refused(detail: string, fault: { code: string; message: string; fix: string }): AdminProblem {
  return new AdminProblem('conflict', detail, { faults: [{ pointer: '', ...fault }] })
}
