/**
 * A column of values as the text of a Postgres array. The driver can do this too, but takes several times as long,
 * and storing usage spends most of its time here.
 */

/** Anything that Postgres reads as an element; null is NULL. */
type Element = string | number | bigint | boolean | null | undefined

/** @throws TypeError for an element that has no text of its own */
export function arrayLiteral(values: readonly unknown[]): string {
  let text = '{'
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ','
    text += elementText(values[i] as Element)
  }
  return `${text}}`
}

function elementText(value: Element): string {
  if (value === null || value === undefined) return 'NULL'
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (typeof value !== 'string') throw new TypeError('an element of an array is neither text nor number')
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`
}
