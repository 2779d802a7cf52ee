/** Money as text and as nanos, exactly: digits are moved, nothing is multiplied. */

/** The nanos of a decimal text of at most nine decimals. */
export function nanosOf(text: string): number {
  const [units = '0', part = ''] = text.split('.')
  return Number(`${units}${part.padEnd(9, '0')}`)
}

/** As few digits as say it, two decimals at least. */
export function moneyText(nanos: number): string {
  const digits = String(nanos).padStart(10, '0')
  const part = digits.slice(-9).replace(/0+$/, '').padEnd(2, '0')
  return `${digits.slice(0, -9)}.${part}`
}
