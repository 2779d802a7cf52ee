/** What the admin API does with stored secrets. Values are sealed on arrival; nothing here gives one back. */
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { secrets } from '@headgate/admin-contract/secrets'
import { fingerprintOf } from '@headgate/domain/fingerprint'
import type { SecretSealer } from '@headgate/domain/ports'
import { listRows } from '../../database/list-rows.ts'
import { insertStoredSecret, shownSecret } from '../../database/stored-secrets.ts'
import type { SecretRow } from '../../database/tables.ts'
import { created, found, type HandlerContext } from '../context.ts'
import { inUse } from '../things.ts'
import { deleteSecret, lockSecret, lockSecrets, readSecret, referrersOf, updateSecret } from './queries.ts'

export const secretsHandlers: Handlers<typeof secrets, HandlerContext> = {
  list: async ({ query }, { db }) => {
    const { data, page } = await listRows<SecretRow>(db, { table: 'secrets' }, query)
    return { data: data.map(shownSecret), page }
  },
  read: async ({ params }, { db }) => shownSecret(found(await readSecret(db, params.secretId))),
  create: async ({ body: { name, value } }, context) => {
    const { db, newId, now } = context
    const row = { id: newId('sec'), name, version: 1, createdAt: now, ...sealedFields(name, value, context) }
    return created(await insertStoredSecret(db, row))
  },
  rotate: async ({ params, body: { value } }, context) => {
    const before = found(await lockSecret(context.db, params.secretId))
    const fields = sealedFields(before.name, value, context)
    const reply = shownSecret(before)
    if (fields.fingerprint === before.fingerprint) return { changed: false, reply }
    const after = shownSecret(
      await updateSecret(context.db, before.id, { ...fields, version: before.version + 1 }),
    )
    return { changed: true, reply: after, subjectId: after.id, before: reply, after }
  },
  remove: async ({ params }, { db }) => {
    const before = found(await lockSecret(db, params.secretId))
    const referrers = await referrersOf(db, before.name)
    if (referrers !== null) throw inUse(referrers)
    await deleteSecret(db, before.id)
    return {
      changed: true,
      reply: shownSecret(before),
      subjectId: before.id,
      before: shownSecret(before),
      after: null,
    }
  },
  reseal: async (_, context) => {
    const sealer = sealerOf(context)
    const stale = (await lockSecrets(context.db)).filter((row) => row.sealedUnder !== sealer.keyId)
    for (const row of stale) {
      const sealed = sealer.seal(row.name, opened(sealer, row))
      await updateSecret(context.db, row.id, { sealed, sealedUnder: sealer.keyId })
    }
    const reply = { resealed: stale.length, sealedUnder: sealer.keyId }
    if (stale.length === 0) return { changed: false, reply }
    return { changed: true, reply, subjectId: sealer.keyId, before: null, after: reply }
  },
}

/** What a new value makes of the row. */
function sealedFields(name: string, value: string, context: HandlerContext) {
  const sealer = sealerOf(context)
  return {
    sealed: sealer.seal(name, value),
    sealedUnder: sealer.keyId,
    fingerprint: fingerprintOf(value, context.digestKey),
    rotatedAt: context.now,
  }
}

function opened(sealer: SecretSealer, { name, sealed }: SecretRow): string {
  try {
    return sealer.open(name, sealed)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it does not open'
    throw new AdminProblem('conflict', `Nothing was changed: the secret ${name}: ${reason}.`, { cause })
  }
}

/** @throws AdminProblem `conflict` that names the setting where there is none */
function sealerOf({ sealer }: HandlerContext): SecretSealer {
  if (sealer !== null) return sealer
  throw new AdminProblem(
    'conflict',
    'No sealing key is set: set HEADGATE_SEALING_KEY in the control plane and in all data planes, or keep the secret elsewhere.',
  )
}
