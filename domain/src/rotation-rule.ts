/**
 * A rotation rule is how often the secret of a key is to be replaced, and what happens when it is not. An app has one
 * for its keys, and a key may have one of its own. Nobody but whoever uses a secret can be given the next one, so a
 * rotation that is due is told of, and done by people or by what runs their secrets.
 */
import { z } from 'zod'

export const RotationRule = z.strictObject({
  everyDays: z
    .int()
    .min(1)
    .max(3650)
    .meta({ description: 'Days after which a secret is to be replaced: the rotation is due.' }),
  withinDays: z
    .int()
    .min(1)
    .max(365)
    .default(14)
    .meta({ description: 'Days for which it may be put off: then it is overdue.' }),
  whenOverdue: z
    .enum(['tell', 'block'])
    .default('tell')
    .meta({ description: '`tell`: people are told again; `block`: gateways refuse the secret besides.' }),
})
export type RotationRule = z.infer<typeof RotationRule>
