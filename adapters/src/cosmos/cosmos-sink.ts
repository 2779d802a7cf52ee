/**
 * Usage in Cosmos DB for NoSQL: an item for each entry, written over itself when it comes again. Azure's own SDK is
 * large and is loaded when the first entry is written.
 */
import type { Container } from '@azure/cosmos'
import type { SecretResolver, UsageSink } from '@headgate/domain/ports'
import type { Secret, SecretRef } from '@headgate/domain/secret-ref'
import { SinkFault } from '@headgate/domain/sink'
import type { RefusedEntry, SinkEntry } from '@headgate/domain/sink-entry'
import { type CosmosItem, cosmosItem, itemFault } from './cosmos-item.ts'
import { type Piece, piecesOf } from './cosmos-pieces.ts'
import { type ContainerPlan, openContainer } from './open-container.ts'
import { type Writing, writePiece } from './write-piece.ts'

/** What is written by then need not be written by the next try. */
const PUT_OFF_MAX_MS = 60_000
/** Requests under way. */
const AT_ONCE = 8
/** When so many are refused and none is taken, it is not the entries that are at fault. */
const ALL_REFUSED_MIN = 20

export type CosmosPlan = ContainerPlan & {
  readonly from: string | null
  /** Where the key of the account lies; null for the identity of the process. */
  readonly keyRef: SecretRef | null
  readonly secrets: Pick<SecretResolver, 'resolve'>
  /** How long a write may be put off in all, in milliseconds; a minute when left out. */
  readonly putOffMaxMs?: number
}

export function cosmosSink(plan: CosmosPlan): UsageSink {
  return new CosmosSink(plan)
}

class CosmosSink implements UsageSink {
  readonly name = 'cosmos'
  readonly kind = 'cosmos'
  readonly target: string
  readonly from: string | null
  readonly #plan: CosmosPlan
  #opened: { readonly container: Container; readonly key: Secret | null } | null = null
  /** Written by a try that failed as a whole, which need not be written by the next. */
  readonly #written = new Set<string>()

  constructor(plan: CosmosPlan) {
    this.#plan = plan
    this.target = `${plan.endpoint}/${plan.database}/${plan.container}`
    this.from = plan.from
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#container(signal)
  }

  async write(entries: readonly SinkEntry[], signal: AbortSignal): Promise<readonly RefusedEntry[]> {
    const container = await this.#container(signal)
    const items = entries.map((entry) => cosmosItem(entry, this.#plan.ttlDays))
    const refused: RefusedEntry[] = []
    const writable = items.filter((item) => {
      const reason = itemFault(item)
      if (reason !== null) refused.push({ id: item.id, reason })
      return reason === null && !this.#written.has(item.id)
    })
    const wrote = (piece: readonly CosmosItem[]) => {
      for (const { id } of piece) this.#written.add(id)
    }
    const endMs = performance.now() + (this.#plan.putOffMaxMs ?? PUT_OFF_MAX_MS)
    const writing: Writing = { container, signal, resumeAtMs: 0, endMs, refused, isDoubtful: false, wrote }
    try {
      await writeAll(piecesOf(writable), writing)
    } finally {
      if (writing.isDoubtful) this.#opened = null
    }
    if (refused.length >= ALL_REFUSED_MIN && refused.length === entries.length)
      throw new SinkFault(`all of ${refused.length} entries are refused: ${refused[0]?.reason}`)
    this.#written.clear()
    return refused
  }

  close(): void {
    this.#opened = null
  }

  /** The one that is open, unless the key is another by now. */
  async #container(signal: AbortSignal): Promise<Container> {
    const { keyRef, secrets } = this.#plan
    const key = keyRef === null ? null : await secrets.resolve(keyRef)
    if (this.#opened !== null && this.#opened.key === key) return this.#opened.container
    const container = await openContainer(this.#plan, key?.reveal() ?? null, signal)
    this.#opened = { container, key }
    return container
  }
}

/** Some at a time. After a fault those under way end and no other is begun. */
async function writeAll(pieces: readonly Piece[], writing: Writing): Promise<void> {
  const waiting = pieces.values()
  let hasFailed = false
  const lane = async () => {
    for (const piece of waiting) {
      if (hasFailed) return
      await writePiece(piece, writing).catch((fault) => {
        hasFailed = true
        throw fault
      })
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane))
  const failed = lanes.find((it) => it.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
