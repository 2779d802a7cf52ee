/** A role is what somebody is in the admin API, in one word. What each may do stands in `right.ts`. */
import { z } from 'zod'

export const Role = z.enum(['viewer', 'operator', 'finance', 'security', 'admin'])
export type Role = z.infer<typeof Role>
