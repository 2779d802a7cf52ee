/**
 * Rotates keys when their time has come, and clears away secrets that ended long ago. The grace is counted from
 * the moment the new secret really works, so a control plane that was away takes no time from anybody.
 */
import type { KeyPublisher } from '@headgate/domain/ports'
import { commitChange, type Home } from '../change.ts'
import type { Database } from '../database/open.ts'
import { startRotation } from '../resources/key-rotations/handlers.ts'
import { readDueKeys } from '../resources/key-rotations/queries.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 2_000
const LOCK = 7
/** So long whoever comes with an ended secret is told that it ended; after that it is unknown. */
const KEPT_MS = 60 * 60_000
const BATCH = 500

type RotationPlan = {
  readonly home: Home
  readonly db: Database
  readonly publisher: Pick<KeyPublisher, 'remove'>
}

/** The job, in one process at a time. */
export function rotateKeys(plan: RotationPlan): Job {
  return {
    name: 'rotate-keys',
    everyMs: EVERY_MS,
    lock: LOCK,
    run: async (signal) => {
      await startDue(plan.home, signal)
      await clearEnded(plan, plan.home.clock.nowMs())
    },
  }
}

/** Begins the rotations that are due. */
async function startDue(home: Home, signal: AbortSignal): Promise<void> {
  const nowMs = home.clock.nowMs()
  for (const keyId of await readDueKeys(home.db, new Date(nowMs).toISOString())) {
    if (signal.aborted) return
    const intent = {
      actor: 'system',
      action: 'key-rotation.started',
      requestId: home.newId('req', nowMs),
      changesCatalog: false,
    }
    await commitChange(home, intent, (context) => startRotation(keyId, context))
  }
}

/**
 * Forgets secrets that ended more than an hour ago, here and in the directory. The key is told anew afterwards,
 * so that gateways hear that its rotation is over.
 */
async function clearEnded({ db, publisher }: Omit<RotationPlan, 'home'>, nowMs: number): Promise<void> {
  const before = new Date(nowMs - KEPT_MS).toISOString()
  await db.transaction().execute(async (tx) => {
    const ended = await tx
      .selectFrom('keySecrets')
      .select(['digest', 'keyId'])
      .where('stage', '=', 'old')
      .where('endsAt', '<', before)
      .limit(BATCH)
      .execute()
    if (ended.length === 0) return
    const digests = ended.map((it) => it.digest)
    const keyIds = [...new Set(ended.map((it) => it.keyId))]
    // The order of locks of all who change keys: the keys first, by their ids.
    await tx
      .selectFrom('proxyKeys')
      .select('id')
      .where('id', 'in', keyIds)
      .orderBy('id')
      .forNoKeyUpdate()
      .execute()
    await tx.deleteFrom('keySecrets').where('digest', 'in', digests).execute()
    await tx.updateTable('proxyKeys').set({ isPublished: false }).where('id', 'in', keyIds).execute()
    await publisher.remove(digests)
  })
}
