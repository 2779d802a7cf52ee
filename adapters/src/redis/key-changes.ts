/**
 * The watch over key changes: reads the stream of changed digests once a second and tells which cached
 * records to drop. Polled and not pushed, because a push that fails silently would leave a revoked key alive.
 */
import type { RedisClient } from './client.ts'

export type KeyChangesWatch = {
  readonly key: string
  readonly pollMs: number
  drop(digest: string): void
  /** Called when changes may have been missed. */
  dropAll(): void
}

const READ_COUNT = '1000'
/** A stream entry id: milliseconds and a running number. */
const ENTRY_ID = /^\d+-\d+$/

/** Starts watching; one poll at a time. What Redis fails to answer is asked for again at the next poll. */
export function watchKeyChanges(client: RedisClient, watch: KeyChangesWatch): { close(): void } {
  let lastId: string | null = null
  let polling = false

  async function poll(): Promise<void> {
    if (lastId === null) {
      const newest = entriesOf(await client.send(watch.key, ['XREVRANGE', watch.key, '+', '-', 'COUNT', '1']))
      lastId = newest[0]?.id ?? '0-0'
      watch.dropAll()
      return
    }
    while (true) {
      const command = ['XREAD', 'COUNT', READ_COUNT, 'STREAMS', watch.key, lastId]
      const entries = entriesOf(firstStream(await client.send(watch.key, command)))
      for (const entry of entries) {
        for (const digest of entry.digests) watch.drop(digest)
        lastId = entry.id
      }
      if (entries.length < Number(READ_COUNT)) return
    }
  }

  const timer = setInterval(() => {
    if (polling) return
    polling = true
    poll()
      .catch(() => {})
      .finally(() => {
        polling = false
      })
  }, watch.pollMs)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

/** `[[key, entries]]`, as XREAD answers for one stream; null when there is nothing new. */
function firstStream(reply: unknown): unknown {
  const stream: unknown = Array.isArray(reply) ? reply[0] : undefined
  return Array.isArray(stream) ? stream[1] : undefined
}

function entriesOf(reply: unknown): { id: string; digests: string[] }[] {
  if (!Array.isArray(reply)) return []
  const entries: { id: string; digests: string[] }[] = []
  for (const entry of reply) {
    if (!Array.isArray(entry) || !ENTRY_ID.test(String(entry[0]))) continue
    const fields: unknown = entry[1]
    const digests = Array.isArray(fields) ? String(fields[1] ?? '').split(',') : []
    entries.push({ id: String(entry[0]), digests })
  }
  return entries
}
