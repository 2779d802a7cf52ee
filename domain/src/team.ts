/** A team owns apps; money and limits are given to teams first. */
import { z } from 'zod'
import { idOf } from './id.ts'
import { ModelAccess } from './model-alias.ts'
import { DisplayName } from './name.ts'

export const TeamId = idOf('team')

export const Team = z.object({
  id: TeamId,
  name: DisplayName,
  allowedModels: ModelAccess,
  createdAt: z.iso.datetime({ offset: true }),
})
export type Team = z.infer<typeof Team>

export const NewTeam = Team.pick({ name: true })
  .extend({ allowedModels: ModelAccess.default(null) })
  .strict()
export type NewTeam = z.infer<typeof NewTeam>

export const TeamChange = Team.pick({ name: true, allowedModels: true }).partial().strict()
export type TeamChange = z.infer<typeof TeamChange>
