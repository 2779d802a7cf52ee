/** A model alias is the name a caller writes in `model`. It leads to a route; the provider's own name stays hidden. */
import { z } from 'zod'
import { idOf } from './id.ts'
import { MachineName } from './name.ts'

export const ModelAliasId = idOf('ali')

export const ModelAlias = z.object({
  id: ModelAliasId,
  name: MachineName,
  /** That it may bear the name of a provider's model and lead to another one, as all could in older documents. */
  overridesModel: z.boolean().default(true),
  createdAt: z.iso.datetime({ offset: true }),
})
export type ModelAlias = z.infer<typeof ModelAlias>

export const NewModelAlias = z.strictObject({
  name: MachineName,
  overridesModel: z.boolean().default(false),
})
export type NewModelAlias = z.infer<typeof NewModelAlias>

export const ModelAliasChange = z.strictObject({ name: MachineName, overridesModel: z.boolean() }).partial()
export type ModelAliasChange = z.infer<typeof ModelAliasChange>

/** The aliases somebody may use: a list, or null for all of them. An empty list allows none. */
export const ModelAccess = z.array(MachineName).max(1000).nullable()
export type ModelAccess = z.infer<typeof ModelAccess>
