/**
 * Reads what a process left in the journal: which accounts it opened and never closed, how many wait to be
 * committed, what is torn at the end or damaged in between. Changes nothing but the torn end, which it cuts.
 */
import { readFile, truncate } from 'node:fs/promises'
import type { Log } from '@headgate/domain/ports'
import { recordOfLost } from '@headgate/domain/usage-intent'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { type Frame, readFrames } from './frame.ts'
import { parseIntent, parseProgress } from './intent-text.ts'
import { Segment, segmentNumbers } from './segment.ts'

/** The record of an account nobody will close any more. */
export type LostAccount = { readonly segment: Segment; readonly number: number; readonly record: UsageRecord }

export type Replayed = {
  /** Oldest first, none of them open for writing; `open` counts what is to be committed. */
  readonly segments: Segment[]
  readonly lost: readonly LostAccount[]
  readonly tornBytes: number
  readonly damagedBytes: number
}

type OpenAccount = {
  readonly segment: Segment
  readonly number: number
  readonly intent: string
  sent: boolean
  progress: string | null
}

/** @throws Error of the file system */
export async function replay(folder: string, log: Log): Promise<Replayed> {
  const books = new Books()
  const found = { tornBytes: 0, damagedBytes: 0 }
  for (const number of await segmentNumbers(folder)) {
    const segment = new Segment(folder, number)
    const bytes = await readFile(segment.path)
    const reading = readFrames(bytes, true, (frame) => books.take(segment, frame))
    segment.size = bytes.length - reading.tornBytes
    segment.damaged = reading.damagedBytes > 0
    if (reading.tornBytes > 0) await truncate(segment.path, segment.size)
    found.tornBytes += reading.tornBytes
    found.damagedBytes += reading.damagedBytes
    books.segments.set(number, segment)
  }
  if (found.tornBytes > 0) log('warn', 'the usage journal ended in half a note, which was cut off', found)
  if (found.damagedBytes > 0)
    log('error', 'USAGE RECORDS MAY BE LOST: the usage journal is damaged; the file is kept aside', found)
  const lost = books.close(log)
  return { segments: [...books.segments.values()], lost, ...found }
}

class Books {
  readonly segments = new Map<number, Segment>()
  readonly #open = new Map<string, OpenAccount>()

  take(at: Segment, { kind, segment: label, number, text }: Frame): void {
    const id = `${label}.${number}`
    // Where the account was opened, which an end in a later segment only names.
    const segment = label === at.number ? at : (this.segments.get(label) ?? at)
    const account = this.#open.get(id)
    if (kind === 'intent') this.#open.set(id, { segment, number, intent: text, sent: false, progress: null })
    if (kind === 'end') this.#open.delete(id)
    if (kind === 'intent' || kind === 'record' || (kind === 'end' && account === undefined)) segment.open += 1
    if (account !== undefined && kind === 'sending') account.sent = true
    if (account !== undefined && kind === 'progress') account.progress = text
  }

  close(log: Log): LostAccount[] {
    const lost: LostAccount[] = []
    for (const { segment, number, intent, sent, progress } of this.#open.values()) {
      try {
        const heard = { sent, progress: progress === null ? null : parseProgress(progress) }
        lost.push({ segment, number, record: recordOfLost(parseIntent(intent), heard) })
      } catch (fault) {
        segment.open -= 1
        segment.damaged = true
        log('error', 'a note in the usage journal cannot be understood', { reason: String(fault) })
      }
    }
    return lost
  }
}
