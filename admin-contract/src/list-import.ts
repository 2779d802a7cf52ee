/**
 * How published lists are taken over: compared with what there is first, and done only when `confirm` of the answer comes
 * back, so that nobody takes over what they have not been shown.
 */
import { z } from 'zod'

/** What a call that shows its effect first answers with, and what makes the second call do it. */
export const Confirmation = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected `confirm` of the answer that showed it')

/** The body of an import; `list` null is the shipped one. */
export function listImportBody<List extends z.ZodType, More extends z.ZodRawShape>(list: List, more: More) {
  return z.strictObject({ list: list.nullable(), ...more, confirm: Confirmation.optional() })
}

/** What is answered, before and after. */
export function listImportReply<Difference extends z.ZodType>(difference: Difference) {
  return z.object({
    applied: z.boolean(),
    confirm: Confirmation,
    source: z.string(),
    differences: z.array(difference),
    unchanged: z.int(),
  })
}
