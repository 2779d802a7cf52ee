/**
 * Goes along the audit chain and notes each place where it is not what was written. Used on the table and,
 * without any database, on exported files.
 */
import {
  type ChainFault,
  type ChainFaultKind,
  type ChainPlace,
  changedFault,
  linkFault,
} from '@headgate/domain/audit-chain'
import type { AuditEvent } from '@headgate/domain/audit-event'
import { sha256 } from './signature.ts'

/** What a witness says a place of the chain must be. */
export type Witness = ChainPlace & {
  readonly kind: Extract<ChainFaultKind, 'head' | 'segment' | 'anchor'>
  /** As `the anchor of 2026-01-01T00:00:00Z`. */
  readonly name: string
}

/** More would tell nothing more. */
const FAULTS_MAX = 100

export class ChainCheck {
  readonly #witnesses = new Map<number, Witness[]>()
  readonly #newestFirst: boolean
  #before: ChainPlace | null
  #last = 0
  #held: AuditEvent | null = null
  readonly faults: ChainFault[] = []
  events = 0
  firstNumber: number | null = null

  /** @param begin what the first event must follow on; null when that is not known */
  constructor(begin: ChainPlace | null, witnesses: readonly Witness[], newestFirst = false) {
    this.#before = begin
    this.#last = begin?.number ?? 0
    this.#newestFirst = newestFirst
    for (const it of witnesses)
      this.#witnesses.set(it.number, [...(this.#witnesses.get(it.number) ?? []), it])
  }

  /** The greatest number that was seen. */
  get lastNumber(): number {
    return this.#last
  }

  take(event: AuditEvent): void {
    this.note(changedFault(event, sha256))
    const before = this.#before
    if (before !== null) this.note(this.#newestFirst ? this.#linkBack(event) : linkFault(before, event))
    for (const witness of this.#witnesses.get(event.number) ?? [])
      if (witness.hash !== event.hash)
        this.note({ number: event.number, kind: witness.kind, message: `${witness.name} has another hash` })
    this.events += 1
    this.firstNumber = Math.min(this.firstNumber ?? event.number, event.number)
    this.#last = Math.max(this.#last, event.number)
    this.#before = event
    this.#held = event
  }

  #linkBack(older: AuditEvent): ChainFault | null {
    return this.#held === null ? null : linkFault(older, this.#held)
  }

  /** After the last event: whoever says that there was more is told. */
  end(): void {
    const later = [...this.#witnesses.values()].flat().filter((it) => it.number > this.#last)
    const [most] = later.sort((a, b) => b.number - a.number)
    if (most === undefined) return
    const message = `${most.name} knows of ${most.number} events, the last there is has number ${this.#last}`
    this.note({ number: this.#last + 1, kind: 'cut_tail', message })
  }

  note(fault: ChainFault | null): void {
    if (fault !== null && this.faults.length < FAULTS_MAX) this.faults.push(fault)
  }
}
