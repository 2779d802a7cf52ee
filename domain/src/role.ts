/** A role says what somebody may do in the admin API. Each role may do all that the one before it may. */
import { z } from 'zod'

export const Role = z.enum(['viewer', 'operator', 'admin'])
export type Role = z.infer<typeof Role>

/** True when a holder of `held` may do what asks for `needed`. */
export function roleAllows(held: Role, needed: Role): boolean {
  return Role.options.indexOf(held) >= Role.options.indexOf(needed)
}
