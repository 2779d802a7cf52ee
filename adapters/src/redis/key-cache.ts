/**
 * The key cache holds what the key directory said lately, so that most calls never wait for Redis. Two
 * generations stand in for a least-recently-used list: a hit costs one look-up, and when the young
 * generation is full the old one is dropped whole. Unknown digests have room of their own, so that
 * a flood of made-up keys cannot push out real ones.
 */
import type { KeyRecord } from '@headgate/domain/proxy-key'

export type CachedKey = {
  readonly record: KeyRecord | null
  /** When Redis said so, in monotonic milliseconds. */
  readonly atMs: number
  /** Not before this is Redis asked again; moved on when it cannot be asked. */
  askAgainAtMs: number
}

export type KeyCache = {
  get(digest: string): CachedKey | undefined
  set(digest: string, entry: CachedKey): void
  delete(digest: string): void
  clear(): void
}

/** @param sizeMax how many known keys are held at most */
export function keyCache(sizeMax: number): KeyCache {
  const known = twoGenerations(sizeMax)
  const unknown = twoGenerations(Math.ceil(sizeMax / 10))
  return {
    get: (digest) => known.get(digest) ?? unknown.get(digest),
    set: (digest, entry) => {
      const [into, outOf] = entry.record === null ? [unknown, known] : [known, unknown]
      outOf.delete(digest)
      into.set(digest, entry)
    },
    delete: (digest) => {
      known.delete(digest)
      unknown.delete(digest)
    },
    clear: () => {
      known.clear()
      unknown.clear()
    },
  }
}

function twoGenerations(sizeMax: number): KeyCache {
  const youngMax = Math.max(1, Math.floor(sizeMax / 2))
  let young = new Map<string, CachedKey>()
  let old = new Map<string, CachedKey>()

  function set(digest: string, entry: CachedKey): void {
    if (young.size >= youngMax && !young.has(digest)) {
      old = young
      young = new Map()
    }
    young.set(digest, entry)
  }

  function get(digest: string): CachedKey | undefined {
    const entry = young.get(digest)
    if (entry !== undefined) return entry
    const aged = old.get(digest)
    if (aged === undefined) return undefined
    old.delete(digest)
    set(digest, aged)
    return aged
  }

  return {
    get,
    set: (digest, entry) => {
      old.delete(digest)
      set(digest, entry)
    },
    delete: (digest) => {
      young.delete(digest)
      old.delete(digest)
    },
    clear: () => {
      young = new Map()
      old = new Map()
    },
  }
}
