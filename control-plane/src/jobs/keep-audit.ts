/**
 * Keeps the audit log: says every quarter of an hour outside the database how far it is, seals the months that
 * are over, and removes whole sealed months when they are past their time.
 */
import type { SomeSettings } from '@headgate/domain/organisation-setting'
import type { Clock, Log } from '@headgate/domain/ports'
import type { Database } from '../database/open.ts'
import { readOrganisationSettings } from '../database/organisation-settings.ts'
import { writeAnchor } from '../resources/audit-events/anchors.ts'
import { readAuditHead } from '../resources/audit-events/append.ts'
import type { AuditKeeper } from '../resources/audit-events/keeper.ts'
import { removeSegments, sealSegments } from '../resources/audit-events/segments.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 15 * 60 * 1000
const LOCK = 61
const DAY_MS = 24 * 60 * 60 * 1000

type Plan = {
  readonly db: Database
  readonly log: Log
  readonly clock: Pick<Clock, 'nowMs'>
  readonly keeper: AuditKeeper
}

export type KeepAuditPlan = Plan & { readonly keptDays: number }

/** The job. How long events are kept is read anew each time. */
export function keepAudit(plan: Plan & { readonly fixedSettings: SomeSettings }): Job {
  return {
    name: 'keep-audit',
    everyMs: EVERY_MS,
    lock: LOCK,
    run: async () => {
      const { keepAuditDays } = await readOrganisationSettings(plan.db, plan.fixedSettings)
      await keepAuditOnce({ ...plan, keptDays: keepAuditDays })
    },
  }
}

/** @throws Error when the anchor could not be written; the rest is done nevertheless */
export async function keepAuditOnce({ db, log, clock, keeper, keptDays }: KeepAuditPlan): Promise<void> {
  const nowMs = clock.nowMs()
  const sealed = await sealSegments(db, keeper, nowMs)
  if (sealed > 0) log('info', 'sealed audit segments', { segments: sealed })
  const before = new Date(nowMs - keptDays * DAY_MS).toISOString()
  for (const { number, firstNumber, lastNumber } of await removeSegments(db, keeper, { before, nowMs }))
    log('info', 'removed an audit segment that is past its time', { number, firstNumber, lastNumber })
  await anchorNews({ db, keeper, now: new Date(nowMs).toISOString() })
}

/** An anchor that says what the last one says would tell nothing. */
async function anchorNews({
  db,
  keeper,
  now,
}: {
  db: Database
  keeper: AuditKeeper
  now: string
}): Promise<void> {
  const { anchors: file } = keeper
  if (file === null) return
  const last = (await file.read()).at(-1)
  const head = await readAuditHead(db)
  if (last?.number === head.number && last.hash === head.hash) return
  await writeAnchor(db, { file, keeper, now })
}
