/**
 * Verifies an exported audit log without any database: NDJSON as `/audit-events/export` gives it, in either
 * order. With the anchors and the public key, a cut tail and a log made anew show too.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { renameKeys } from '@headgate/admin-contract/wire'
import { CHAIN_BEGIN, type ChainFault } from '@headgate/domain/audit-chain'
import { AuditEvent } from '@headgate/domain/audit-event'
import { isSignedAnchor, parseAnchors } from './resources/audit-events/anchor-file.ts'
import { ChainCheck, type Witness } from './resources/audit-events/chain-check.ts'
import { signatureCheck } from './resources/audit-events/signature.ts'

const USAGE = 'verify-audit <export.ndjson> [--anchors <file> --public-key <hex>]'

/**
 * @param args as after the name of the command
 * @returns what to print
 * @throws Error in one sentence when a file cannot be read or an argument is wrong
 */
export async function verifyExport(args: readonly string[]): Promise<{ text: string; isWhole: boolean }> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { anchors: { type: 'string' }, 'public-key': { type: 'string' } },
  })
  const [path] = positionals
  const { anchors, 'public-key': publicKey } = values
  if (path === undefined || positionals.length > 1) throw new Error(`usage: ${USAGE}`)
  if ((anchors === undefined) !== (publicKey === undefined))
    throw new Error('--anchors and --public-key are given together: the key is in /audit-events/verification')
  const outside =
    anchors === undefined || publicKey === undefined
      ? { witnesses: [], faults: [] }
      : await readWitnesses(anchors, publicKey)
  const check = await checkFile(path, outside.witnesses)
  const faults = [...outside.faults, ...check.faults]
  return { text: report(check, faults, outside.witnesses.length), isWhole: faults.length === 0 }
}

async function readWitnesses(path: string, publicKey: string) {
  const isSigned = signatureCheck(publicKey)
  const witnesses: Witness[] = []
  const faults: ChainFault[] = []
  for (const anchor of parseAnchors(await readFile(path, 'utf8'))) {
    const name = `the anchor of ${anchor.at}`
    if (isSignedAnchor(anchor, isSigned)) witnesses.push({ ...anchor, kind: 'anchor', name })
    else faults.push({ number: anchor.number, kind: 'anchor', message: `${name} has another signature` })
  }
  return { witnesses, faults }
}

async function checkFile(path: string, witnesses: readonly Witness[]): Promise<ChainCheck> {
  let check: ChainCheck | null = null
  let held: AuditEvent | null = null
  for await (const event of eventsOf(path)) {
    // The first two events say in which order the file is.
    if (held === null) {
      held = event
      continue
    }
    if (check === null) {
      check = new ChainCheck(beginOf(held, event), witnesses, held.number > event.number)
      check.take(held)
    }
    check.take(event)
  }
  check ??= new ChainCheck(held === null ? null : beginOf(held, held), witnesses)
  if (held !== null && check.events === 0) check.take(held)
  check.end()
  return check
}

/** A log whose beginning was removed by its time begins later; what it follows on is then taken as it says. */
function beginOf(first: AuditEvent, second: AuditEvent) {
  if (first.number > second.number) return { number: 0, hash: CHAIN_BEGIN }
  return first.number === 1
    ? { number: 0, hash: CHAIN_BEGIN }
    : { number: first.number - 1, hash: first.previousHash }
}

async function* eventsOf(path: string): AsyncGenerator<AuditEvent> {
  let number = 0
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    number += 1
    if (line.trim() === '') continue
    yield parseEvent(line, number)
  }
}

function parseEvent(line: string, number: number): AuditEvent {
  try {
    return AuditEvent.parse(renameKeys(JSON.parse(line)))
  } catch {
    throw new Error(`line ${number} of the export is no audit event`)
  }
}

function report(check: ChainCheck, faults: readonly ChainFault[], anchors: number): string {
  const { events, firstNumber, lastNumber } = check
  const span = firstNumber === null ? 'no events' : `${events} events, ${firstNumber} to ${lastNumber}`
  const head = `${span}; ${anchors} anchors; ${faults.length === 0 ? 'whole' : `${faults.length} faults`}`
  const lines = faults.map(({ number, kind, message }) => `event ${number}: ${kind}: ${message}`)
  return `${[head, ...lines].join('\n')}\n`
}
