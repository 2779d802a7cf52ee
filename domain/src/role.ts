/** A role is what somebody is in the admin API, in one word. What each may do stands in `right.ts`. */
import { z } from 'zod'

export const Role = z.enum(['viewer', 'operator', 'finance', 'security', 'admin'])
export type Role = z.infer<typeof Role>

/** What each role is for, for people who give them. */
export const roleMeanings: Readonly<Record<Role, string>> = {
  viewer: 'sees how things are set up and what was used',
  operator: 'runs the day: apps, keys, limits, exports, drafts',
  finance: 'keeps money: budgets, prices, agreements, re-ratings, exports',
  security:
    'sees everything, the audit events and who has access included; writes policies; revokes and ends',
  admin: 'does everything',
}
