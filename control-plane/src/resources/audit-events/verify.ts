/** Verifies the audit log in the database against its own hashes, its signatures and the anchors outside. */
import type { AuditReport } from '@headgate/admin-contract/audit-events'
import { CHAIN_BEGIN, type ChainFault, type ChainPlace } from '@headgate/domain/audit-chain'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import type { AuditSegmentRow } from '../../database/tables.ts'
import { isSignedAnchor } from './anchor-file.ts'
import { type AuditHead, headStatement } from './append.ts'
import { ChainCheck, type Witness } from './chain-check.ts'
import type { AuditKeeper } from './keeper.ts'
import { readSegments, removalStatement, sealStatement } from './segments.ts'
import { type IsSigned, signatureCheck } from './signature.ts'

const AT_ONCE = 2000

/** Reads every event there is. What is added meanwhile is left to the next time. */
export async function verifyAuditLog(db: Database, keeper: AuditKeeper, now: string): Promise<AuditReport> {
  const isSigned = signatureCheck(keeper.publicKey)
  // In this order: what is read later can only know of more.
  const anchors = (await keeper.anchors?.read()) ?? []
  const segments = await readSegments(db)
  const { last, ...head } = await readHeadAndLast(db)
  const anchorWitnesses: Witness[] = []
  const faults: ChainFault[] = segmentFaults(segments, isSigned)
  for (const anchor of anchors) {
    const name = `the anchor of ${anchor.at}`
    if (isSignedAnchor(anchor, isSigned)) anchorWitnesses.push({ ...anchor, kind: 'anchor', name })
    else faults.push({ number: anchor.number, kind: 'anchor', message: `${name} is not signed by us` })
  }
  if (!isSigned(headStatement(head), head.signature))
    faults.push({ number: head.number, kind: 'head', message: 'the head is not signed by us' })
  if (last > head.number)
    faults.push({
      number: head.number + 1,
      kind: 'head',
      message: `the head does not know of events up to ${last}`,
    })
  const begin = beginOf(segments)
  const check = new ChainCheck(begin, [
    ...anchorWitnesses.filter((it) => it.number > begin.number),
    ...segmentWitnesses(segments),
    ...(head.number > 0 ? [{ ...head, kind: 'head' as const, name: 'the head' }] : []),
  ])
  for (const fault of faults) check.note(fault)
  for (const fault of anchorsOfRemoved(anchorWitnesses, segments)) check.note(fault)
  await readAll(db, begin, (event) => check.take(event), head.number)
  check.end()
  return {
    isWhole: check.faults.length === 0,
    events: check.events,
    firstNumber: check.firstNumber,
    lastNumber: check.lastNumber,
    segments: segments.length,
    removedSegments: segments.filter((it) => it.removedAt !== null).length,
    anchors: anchors.length,
    lastAnchoredNumber: anchorWitnesses.at(-1)?.number ?? null,
    faults: [...check.faults].sort((a, b) => a.number - b.number),
    publicKey: keeper.publicKey,
    checkedAt: now,
  }
}

/** In one statement, so that both are of one moment. */
async function readHeadAndLast(db: Database): Promise<AuditHead & { last: number }> {
  const { rows } = await sql<AuditHead & { last: number }>`
    select number, hash, signature, coalesce((select max(number) from audit_events), 0) as last
    from audit_head`.execute(db)
  const [head] = rows
  if (head === undefined) throw new Error('the audit log has no head')
  return head
}

type Taker = (event: Parameters<ChainCheck['take']>[0]) => void

async function readAll(db: Database, begin: ChainPlace, take: Taker, until: number): Promise<void> {
  for (let after = begin.number; ; ) {
    const some = db.selectFrom('auditEvents').selectAll().where('number', '>', after).orderBy('number')
    const events = await some.limit(AT_ONCE).execute()
    for (const event of events) {
      // Beyond the head there is only what was added since it was read.
      if (event.number > until) return
      take(event)
    }
    const last = events.at(-1)
    if (last === undefined) return
    after = last.number
  }
}

/** What the first event that is left must follow on. */
function beginOf(segments: readonly AuditSegmentRow[]): ChainPlace {
  const last = segments.filter((it) => it.removedAt !== null).at(-1)
  return last === undefined
    ? { number: 0, hash: CHAIN_BEGIN }
    : { number: last.lastNumber, hash: last.lastHash }
}

function segmentWitnesses(segments: readonly AuditSegmentRow[]): Witness[] {
  return segments
    .filter((it) => it.removedAt === null)
    .flatMap(({ number, firstNumber, firstHash, lastNumber, lastHash }) => {
      const about = { kind: 'segment' as const, name: `the seal of segment ${number}` }
      return [
        { ...about, number: firstNumber, hash: firstHash },
        { ...about, number: lastNumber, hash: lastHash },
      ]
    })
}

/** Segments follow on each other from the first event, are signed, and are removed from the oldest on. */
function segmentFaults(segments: readonly AuditSegmentRow[], isSigned: IsSigned): ChainFault[] {
  const faults: ChainFault[] = []
  let [next, isRemoved] = [1, true]
  segments.forEach((it, index) => {
    const fault = (message: string) =>
      faults.push({ number: it.firstNumber, kind: 'segment', message: `segment ${it.number} ${message}` })
    if (it.number !== index + 1 || it.firstNumber !== next) fault('does not follow on the one before')
    if (!isSigned(sealStatement(it), it.signature)) fault('is not signed by us')
    if (it.removedAt !== null) {
      if (!isRemoved) fault('was removed before an older one')
      if (!isSigned(removalStatement(it), it.removalSignature ?? '')) fault('was not removed by us')
    }
    isRemoved &&= it.removedAt !== null
    next = it.lastNumber + 1
  })
  return faults
}

/** An anchor on the end of a removed segment must say what its tombstone says; others in it can say nothing. */
function anchorsOfRemoved(anchors: readonly Witness[], segments: readonly AuditSegmentRow[]): ChainFault[] {
  const removed = segments.filter((it) => it.removedAt !== null)
  const ends = new Map(removed.map((it) => [it.lastNumber, it.lastHash]))
  return anchors.flatMap(({ number, hash, name }) => {
    const expected = ends.get(number)
    if (expected === undefined || expected === hash) return []
    return [
      { number, kind: 'anchor' as const, message: `${name} has another hash than the segment ending there` },
    ]
  })
}
