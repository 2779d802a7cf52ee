/**
 * Makes the files of exports, in any process, one at a time in each. A part of the file is written together with
 * the progress it makes; a process that dies leaves an export whose lease runs out, and another begins it again.
 */
import { createHash } from 'node:crypto'
import type { Download, TableFormat } from '@headgate/admin-contract/download'
import { readQuestion } from '@headgate/admin-contract/exports'
import { renameKeys } from '@headgate/admin-contract/wire'
import type { SomeSettings } from '@headgate/domain/organisation-setting'
import type { Clock, Log } from '@headgate/domain/ports'
import { redact } from '@headgate/domain/redaction'
import type { FileSidecar, UsageExport } from '@headgate/domain/usage-export'
import { sql } from 'kysely'
import type { Database, OpenDatabase } from '../database/open.ts'
import { readOrganisationSettings } from '../database/organisation-settings.ts'
import { answerFile } from '../resources/usage/answer-file.ts'
import { recordFile } from '../resources/usage/record-file.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 2_000
const LEASE_SECONDS = 60
const PART_BYTES = 1024 * 1024

export type ExportsPlan = Pick<OpenDatabase, 'db' | 'scopedTo'> & {
  readonly log: Log
  readonly clock: Pick<Clock, 'nowMs'>
  readonly fixedSettings: SomeSettings
}

/** One export as one process has it: another that begins it anew has another lease. */
type Leased = {
  readonly id: string
  /** The instant it was begun at, as Postgres writes it. */
  readonly lease: string
}

type Claimed = Leased &
  Pick<UsageExport, 'kind' | 'format' | 'question'> & {
    /** For whom it is made, and so what it may hold; null is the whole organisation. */
    readonly teamIds: readonly string[] | null
  }

export function runExports(plan: ExportsPlan): Job {
  return {
    name: 'run-exports',
    everyMs: EVERY_MS,
    run: async (signal) => {
      await plan.db.deleteFrom('usageExports').where('expiresAt', '<', sql<string>`now()`).execute()
      while (!signal.aborted && (await runNext(plan, signal))) {}
    },
  }
}

/** Makes the next file that waits; false when none does. */
export async function runNext(plan: ExportsPlan, signal: AbortSignal): Promise<boolean> {
  const it = await claim(plan.db)
  if (it === undefined) return false
  try {
    await make(plan, it, signal)
  } catch (fault) {
    const reason = redact(fault instanceof Error ? fault.message : String(fault), 500)
    plan.log('warn', 'an export failed', { export: it.id, reason })
    if (await end(plan, it, { state: 'failed', fault: reason }))
      await plan.db.deleteFrom('usageExportParts').where('exportId', '=', it.id).execute()
  }
  return true
}

/** Takes one that is queued, or whose process is gone, and clears what that one wrote. */
async function claim(db: Database): Promise<Claimed | undefined> {
  return db.transaction().execute(async (transaction) => {
    const { rows } = await sql<Claimed>`
      update usage_exports set state = 'running', started_at = now(), rows = 0, bytes = 0,
        leased_until = now() + ${LEASE_SECONDS} * interval '1 second'
      where id = (select id from usage_exports
        where state = 'queued' or (state = 'running' and leased_until < now())
        order by id limit 1 for update skip locked)
      returning id, started_at::text as lease, kind, format, question, team_ids`.execute(transaction)
    const [it] = rows
    if (it !== undefined)
      await transaction.deleteFrom('usageExportParts').where('exportId', '=', it.id).execute()
    return it
  })
}

async function make(plan: ExportsPlan, it: Claimed, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256')
  const progress = { rows: 0, number: 0 }
  const { exportRowsMax } = await readOrganisationSettings(plan.db, plan.fixedSettings)
  const nowMs = plan.clock.nowMs()
  const sidecar = await sidecarOf(plan, it, nowMs)
  const { body } = await fileOf(plan, { ...it, nowMs }, (rows) => {
    progress.rows += rows
    if (exportRowsMax !== null && progress.rows > exportRowsMax) throw new Error(tooManyText(exportRowsMax))
  })
  let waiting: Buffer[] = []
  const write = async () => {
    const content = Buffer.concat(waiting)
    waiting = []
    hash.update(content)
    progress.number += 1
    return writePart(plan.db, it, { ...progress, number: progress.number - 1, content })
  }
  for await (const piece of body) {
    // What is left undone here is begun again elsewhere when the lease runs out.
    if (signal.aborted) return
    waiting.push(Buffer.from(piece))
    if (waiting.reduce((sum, one) => sum + one.length, 0) >= PART_BYTES && !(await write())) return
  }
  if (waiting.length > 0 && !(await write())) return
  await end(plan, it, { state: 'done', sha256: hash.digest('hex'), rows: progress.rows, sidecar })
}

function tooManyText(rowsMax: number): string {
  return `it has more than ${rowsMax} rows, the most that the setting export_rows_max allows: ask for a shorter span`
}

/** As JSON in our words; it goes to the wire like any other reply. */
async function sidecarOf(plan: ExportsPlan, it: Claimed, nowMs: number): Promise<string> {
  const { body } = await fileOf(plan, { ...it, format: 'sidecar', nowMs }, () => {})
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece))
  return JSON.stringify(renameKeys(JSON.parse(Buffer.concat(pieces).toString('utf8'))))
}

type Asked = Omit<Claimed, 'format'> & { readonly format: TableFormat; readonly nowMs: number }

async function fileOf(
  { db, scopedTo, fixedSettings }: ExportsPlan,
  { kind, format, question, teamIds, nowMs }: Asked,
  onRows: (count: number) => void,
): Promise<Download> {
  const context = {
    db: teamIds === null ? db : scopedTo(teamIds),
    nowMs,
    now: new Date(nowMs).toISOString(),
    teamIds,
    fixedSettings,
  }
  const asked = readQuestion(kind, question)
  return asked.kind === 'records'
    ? recordFile({ ...asked.filter, format }, context, onRows)
    : answerFile({ ...asked.query, format }, context, onRows)
}

/** False when the export is no longer ours to write: cancelled, or taken over. */
function writePart(
  db: Database,
  { id: exportId, lease }: Leased,
  { number, rows, content }: { number: number; rows: number; content: Buffer },
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const { rows: own } = await sql`
      update usage_exports set rows = ${rows}, bytes = bytes + ${content.length},
        leased_until = now() + ${LEASE_SECONDS} * interval '1 second'
      where id = ${exportId} and state = 'running' and started_at = ${lease}::timestamptz returning id`.execute(
      transaction,
    )
    if (own.length === 0) return false
    await transaction.insertInto('usageExportParts').values({ exportId, number, content }).execute()
    return true
  })
}

/** False when the export is no longer ours to end. */
async function end(
  { db, fixedSettings }: ExportsPlan,
  { id, lease }: Leased,
  how: { state: 'done' | 'failed'; sha256?: string; fault?: string; rows?: number; sidecar?: string },
): Promise<boolean> {
  const { keepExportsDays } = await readOrganisationSettings(db, fixedSettings)
  const { numUpdatedRows } = await db
    .updateTable('usageExports')
    .set({
      ...how,
      sidecar: how.sidecar === undefined ? null : sql<FileSidecar>`${how.sidecar}::jsonb`,
      endedAt: sql<string>`now()`,
      expiresAt: sql<string>`now() + ${keepExportsDays} * interval '1 day'`,
    })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .where(sql<boolean>`started_at = ${lease}::timestamptz`)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}
