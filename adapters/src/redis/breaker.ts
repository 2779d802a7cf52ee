/**
 * A breaker stops asking a store that does not answer, so that callers are told at once instead of each
 * waiting out the deadline. It opens after 5 hard errors in a row, or when time-outs have gone on for 500 ms;
 * then one question each 500 ms goes through, and the first answer closes it.
 */

export type Breaker = {
  /** True when the store may be asked now. While open this is the one probe per interval: ask if told so. */
  allows(nowMs: number): boolean
  succeeded(): void
  failed(kind: 'error' | 'timeout', nowMs: number): void
  isOpen(): boolean
}

const ERRORS_MAX = 5
const TIMEOUTS_MAX_MS = 500
const PROBE_EACH_MS = 500

/** @param onChange told of every opening and closing, once */
export function breaker(onChange: (open: boolean) => void): Breaker {
  let open = false
  let errors = 0
  let timeoutsSinceMs: number | null = null
  let probeAtMs = 0
  return {
    allows: (nowMs) => {
      if (!open) return true
      if (nowMs < probeAtMs) return false
      probeAtMs = nowMs + PROBE_EACH_MS
      return true
    },
    succeeded: () => {
      errors = 0
      timeoutsSinceMs = null
      if (!open) return
      open = false
      onChange(false)
    },
    failed: (kind, nowMs) => {
      if (kind === 'timeout') timeoutsSinceMs ??= nowMs
      else errors += 1
      if (open) return
      if (errors < ERRORS_MAX && (timeoutsSinceMs === null || nowMs - timeoutsSinceMs < TIMEOUTS_MAX_MS))
        return
      open = true
      probeAtMs = nowMs + PROBE_EACH_MS
      onChange(true)
    },
    isOpen: () => open,
  }
}
