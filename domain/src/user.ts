/** A user is a person of a team who may hold keys of their own. */
import { z } from 'zod'
import { idOf } from './id.ts'
import { DisplayName } from './name.ts'
import { TeamId } from './team.ts'

export const UserId = idOf('usr')

export const User = z.object({
  id: UserId,
  teamId: TeamId,
  name: DisplayName,
  /** Shown to admins only; identity is the id, never the mail. */
  email: z.email().max(254).nullable(),
  createdAt: z.iso.datetime({ offset: true }),
})
export type User = z.infer<typeof User>

export const NewUser = User.pick({ teamId: true, name: true })
  .extend({ email: User.shape.email.default(null) })
  .strict()
export type NewUser = z.infer<typeof NewUser>

export const UserChange = User.pick({ name: true, email: true }).partial().strict()
export type UserChange = z.infer<typeof UserChange>
