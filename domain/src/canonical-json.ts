/**
 * Canonical JSON is the one text that equal data have: keys sorted, no spaces. Databases and parsers keep keys
 * in orders of their own, so checksums, ETags and comparisons are made over this text.
 */

/** The canonical JSON of plain data. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
