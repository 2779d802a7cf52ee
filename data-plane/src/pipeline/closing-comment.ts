/**
 * What a call cost, behind all bytes of its stream: a comment, which the event-stream format of the HTML standard has
 * clients pass over. The head left before anybody knew, and what the provider sent is not ours to write in.
 */
import { type Cost, nanosText } from '@headgate/domain/cost'

/**
 * The comment with its blank line, as `: headgate cost=0.000390000 currency=USD`.
 * @returns null where the cost is not known, which is never told as zero
 */
export function closingComment({ costNanos, currency }: Cost): Buffer | null {
  if (costNanos === null || currency === null) return null
  return Buffer.from(`: headgate cost=${nanosText(costNanos)} currency=${currency}\n\n`)
}
