/** An app belongs to a team and owns keys: the program that calls, as opposed to the person. */
import { z } from 'zod'
import { idOf } from './id.ts'
import { ModelAccess } from './model-alias.ts'
import { DisplayName } from './name.ts'
import { RotationRule } from './rotation-rule.ts'
import { TeamId } from './team.ts'

export const AppId = idOf('app')

export const App = z.object({
  id: AppId,
  teamId: TeamId,
  name: DisplayName,
  allowedModels: ModelAccess,
  /** Of its keys that have none of their own; null: their secrets may be used as long as anybody likes. */
  rotationRule: RotationRule.nullable(),
  createdAt: z.iso.datetime({ offset: true }),
})
export type App = z.infer<typeof App>

export const NewApp = App.pick({ teamId: true, name: true })
  .extend({ allowedModels: ModelAccess.default(null), rotationRule: RotationRule.nullable().default(null) })
  .strict()
export type NewApp = z.infer<typeof NewApp>

/** An app stays with its team: its keys and its limits are the team's too. */
export const AppChange = App.pick({ name: true, allowedModels: true, rotationRule: true }).partial().strict()
export type AppChange = z.infer<typeof AppChange>
