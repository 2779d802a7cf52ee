/** The key directory in this process alone, for standalone use and tests. Holds every key it was given. */
import type { KeyDirectory, KeyPublisher } from '@headgate/domain/ports'
import { KeyRecord } from '@headgate/domain/proxy-key'

/** A key directory in memory; always answers at once. */
export function memoryKeyDirectory(): KeyDirectory & KeyPublisher {
  const records = new Map<string, KeyRecord>()
  return {
    find: (digest) => records.get(digest) ?? null,
    put: async (changed) => {
      for (const record of changed) records.set(record.digest, Object.freeze(KeyRecord.parse(record)))
    },
    remove: async (digests) => {
      for (const digest of digests) records.delete(digest)
    },
  }
}
