/**
 * A dry run is a write done whole and then taken back: it answers what would have changed, or is refused as
 * the write itself would be. Every write can be one: `?dry_run=true`.
 */
import { CatalogDifference } from '@headgate/domain/catalog-difference'
import { z } from 'zod'

export const DryRun = z.object({
  /** False where everything is already as asked for. */
  changed: z.boolean(),
  subjectId: z.string().nullable(),
  /** Null where nothing was or will be. Never holds a secret. */
  before: z.unknown(),
  after: z.unknown(),
  /** What gateways would serve from differently; null where the write does not touch the catalog. */
  catalog: z.array(CatalogDifference).nullable(),
})
export type DryRun = z.infer<typeof DryRun>
