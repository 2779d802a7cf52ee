/**
 * A stamp is the moment an SSE event left the mock upstream, written into the event as `"t":"<20 digits>"`
 * (nanoseconds of the machine's monotonic clock). Reading it at the far end gives the transit time of that one
 * event, and counting stamps counts events however a gateway re-cut them.
 */

const MARK = Buffer.from('"t":"')
const DIGITS = 20
const STAMP_BYTES = MARK.length + DIGITS

/** The text of a stamp, always of the same length. */
export function stampOf(nanos: number): string {
  return `"t":"${String(Math.floor(nanos)).padStart(DIGITS, '0')}"`
}

/**
 * A reader of the stamps in one stream.
 * @param onStamp is given each stamp once, in nanoseconds
 * @returns a function to hand each stretch of body to
 */
export function readStamps(
  onStamp: (nanos: number) => void,
): (bytes: Buffer, start: number, end: number) => void {
  // A stamp may be cut by a read: up to one byte less than a whole one waits here for the rest.
  const seam = Buffer.alloc(2 * STAMP_BYTES)
  let kept = 0

  return (bytes, start, end) => {
    let from = start
    if (kept > 0) {
      const added = Math.min(STAMP_BYTES - 1, end - start)
      bytes.copy(seam, kept, start, start + added)
      const at = seam.subarray(0, kept + added).indexOf(MARK)
      if (at >= 0 && at < kept && at + STAMP_BYTES <= kept + added) {
        onStamp(digitsAt(seam, at + MARK.length))
        from = start + at + STAMP_BYTES - kept
      } else if (start + added === end) {
        // The whole stretch went into the seam and no stamp is complete yet: keep its tail.
        const total = kept + added
        kept = Math.min(total, STAMP_BYTES - 1)
        seam.copyWithin(0, total - kept, total)
        return
      }
    }
    let at = indexWithin(bytes, from, end)
    while (at >= 0 && at + STAMP_BYTES <= end) {
      onStamp(digitsAt(bytes, at + MARK.length))
      from = at + STAMP_BYTES
      at = indexWithin(bytes, from, end)
    }
    kept = Math.min(end - from, STAMP_BYTES - 1)
    bytes.copy(seam, 0, end - kept, end)
  }
}

function indexWithin(bytes: Buffer, from: number, end: number): number {
  const at = bytes.subarray(from, end).indexOf(MARK)
  return at < 0 ? -1 : from + at
}

function digitsAt(bytes: Buffer, at: number): number {
  let value = 0
  for (let i = at; i < at + DIGITS; i++) value = value * 10 + ((bytes[i] ?? 48) - 48)
  return value
}
