/**
 * A bill made independently of the gateway's own arithmetic: fractions in big integers, over amounts that a
 * person wrote down, by the formula of docs/guides/prices.md. It knows nothing of parts, tiers or thresholds:
 * whoever writes an amount names the very line of the price that it is billed by.
 */
import type { priceKinds } from '@headgate/domain/price-line'
import type { ListedPrice } from '@headgate/domain/price-list'

type Kind = (typeof priceKinds)[number]

/** How much of each kind: tokens, characters, pictures, searches; seconds as thousandths. */
export type Amounts = Partial<Record<Kind, number>>

export type Bill = {
  readonly amounts: Amounts
  /** Of the lines it is billed by. */
  readonly tier: string
  readonly above: number
  readonly multiplierMillionths: number
}

type Fraction = { readonly over: bigint; readonly under: bigint }

/** What one of a kind costs is its line divided by this. */
const perOf: Partial<Record<Kind, bigint>> = {
  image: 1n,
  web_search: 1n,
  file_search: 1n,
  code_container: 1n,
  request: 1n,
  input_second: 1000n,
  output_second: 1000n,
}

/** Nanos, the exact sum rounded up once. @throws Error when the price has no such line */
export function exactBill(price: Pick<ListedPrice, 'model' | 'lines'>, bill: Bill): bigint {
  let sum: Fraction = { over: 0n, under: 1n }
  for (const [kind, amount] of Object.entries(bill.amounts) as [Kind, number][]) {
    const line = price.lines.find(
      (it) => it.kind === kind && it.serviceTier === bill.tier && it.aboveInputTokens === bill.above,
    )
    if (line === undefined)
      throw new Error(`${price.model} has no line ${kind} ${bill.tier} above ${bill.above}`)
    sum = plus(sum, { over: BigInt(line.nanos) * BigInt(amount), under: perOf[kind] ?? 1_000_000n })
  }
  const whole = { over: sum.over * BigInt(bill.multiplierMillionths), under: sum.under * 1_000_000n }
  return whole.over / whole.under + (whole.over % whole.under === 0n ? 0n : 1n)
}

function plus(a: Fraction, b: Fraction): Fraction {
  return { over: a.over * b.under + b.over * a.under, under: a.under * b.under }
}
