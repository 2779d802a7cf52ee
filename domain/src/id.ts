/**
 * Ids: a prefix that says what the thing is, then a ULID (time first, so ids sort by birth).
 * They are names, not secrets; the random part only keeps two gateways from meeting.
 */
import { z } from 'zod'

/** Crockford's base32, as the ULID specification orders it. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const POOL_BYTES = 4096

export type IdPrefix =
  | 'team'
  | 'app'
  | 'usr'
  | 'key'
  | 'res'
  | 'quo'
  | 'dep'
  | 'ali'
  | 'mdl'
  | 'rte'
  | 'pri'
  | 'agr'
  | 'rrt'
  | 'lim'
  | 'bud'
  | 'bev'
  | 'bov'
  | 'pol'
  | 'exp'
  | 'sch'
  | 'req'
  | 'aud'
  | 'dft'
  | 'tok'
  | 'rmp'
  | 'ses'
  | 'chn'
  | 'dlv'
  | 'evt'
  | 'sec'
  | 'snk'

/** A zod shape for an id of one kind; its error names what is expected. */
export function idOf(prefix: IdPrefix) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9A-HJKMNP-TV-Z]{26}$`), `expected an id that begins with "${prefix}_"`)
}

/**
 * Makes a source of ids. The random pool is filled 4 KB at a time, because one call to the system's
 * generator per id would cost more than all the rest of it.
 */
export function idSource(): (prefix: IdPrefix, nowMs: number) => string {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  let timeMs = -1
  let timeText = ''
  return (prefix, nowMs) => {
    if (used + 16 > POOL_BYTES) {
      crypto.getRandomValues(pool)
      used = 0
    }
    if (nowMs !== timeMs) {
      timeMs = nowMs
      timeText = encodeTime(nowMs)
    }
    let random = ''
    for (let i = 0; i < 16; i++) random += ALPHABET[(pool[used + i] as number) & 31]
    used += 16
    return `${prefix}_${timeText}${random}`
  }
}

/** Databases and calendars read no later instant. */
const LATEST_MS = Date.UTC(9999, 11, 31)

/** When a thing was born, by its id, as ISO 8601; null for an id that is made up and names no instant there can be. */
export function bornAt(id: string): string | null {
  const timeMs = timeOf(id)
  return timeMs >= 0 && timeMs <= LATEST_MS ? new Date(timeMs).toISOString() : null
}

function timeOf(id: string): number {
  let timeMs = 0
  const from = id.indexOf('_') + 1
  for (let i = from; i < from + 10; i++) timeMs = timeMs * 32 + ALPHABET.indexOf(id.charAt(i))
  return timeMs
}

function encodeTime(nowMs: number): string {
  let text = ''
  let rest = nowMs
  for (let i = 0; i < 10; i++) {
    text = ALPHABET[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}
