/**
 * Drafts in the admin API: changes of routing and policy that are gathered, checked, compared with what is in
 * force, and then published together or not at all. A draft is a list of writes, so it can hold whatever a batch can.
 */
import { CatalogDifference } from '@headgate/domain/catalog-difference'
import { CatalogWarning } from '@headgate/domain/catalog-warning'
import { idOf } from '@headgate/domain/id'
import { DisplayName } from '@headgate/domain/name'
import { z } from 'zod'
import { BatchItem, ITEMS_MAX } from './batch.ts'
import { operation } from './operation.ts'
import { NamePart } from './page.ts'
import { Problem } from './problem.ts'
import { thingOperations } from './thing.ts'

const DraftState = z.enum(['open', 'published'])
const Items = z.array(BatchItem).max(ITEMS_MAX)

export const Draft = z.object({
  id: idOf('dft'),
  name: DisplayName,
  /** Writes that change the catalog, in the order they are done. */
  items: Items,
  state: DraftState,
  createdBy: z.string(),
  createdAt: z.iso.datetime({ offset: true }),
  /** The catalog version that came of it; null while it is open. */
  publishedVersion: z.int().min(1).nullable(),
})
export type Draft = z.infer<typeof Draft>

export const NewDraft = z.strictObject({ name: DisplayName, items: Items.default([]) })
export type NewDraft = z.infer<typeof NewDraft>

export const DraftChange = z.strictObject({ name: DisplayName, items: Items }).partial()
export type DraftChange = z.infer<typeof DraftChange>

export const drafts = thingOperations({
  path: '/drafts',
  id: 'draftId',
  thing: 'draft',
  called: 'a draft',
  shape: Draft,
  create: NewDraft,
  change: DraftChange,
  sorts: ['created_at', 'name'],
  filters: { state: DraftState.optional(), q: NamePart },
  readRight: 'drafts.read',
  writeRight: 'drafts.write',
  changesCatalog: false,
  notes: { create: 'Nothing changes until it is published.', change: 'A published one stays as it is.' },
})

/** What would come of a draft now. */
const DraftCheck = z.object({
  /** Whether it could be published as things stand. */
  passes: z.boolean(),
  /** What stands in its way; each error points to an item. */
  problem: Problem.nullable(),
  differences: z.array(CatalogDifference),
  warnings: z.array(CatalogWarning),
})

export const publications = {
  check: operation({
    method: 'POST',
    path: '/drafts/{draftId}/checks',
    right: 'drafts.write',
    audit: 'of-each-item',
    changesCatalog: true,
    status: 200,
    summary:
      'Does the whole draft and takes it back: what stands in its way, what gateways would serve differently, what to look at.',
    reply: DraftCheck,
  }),
  publish: operation({
    method: 'POST',
    path: '/drafts/{draftId}/publication',
    right: 'drafts.write',
    audit: 'of-each-item',
    changesCatalog: true,
    status: 200,
    summary:
      'Publishes a draft: all its items or none, as one version of the catalog. Each item needs its own right. With If-Match, only the draft that was checked.',
    body: z.strictObject({ message: z.string().trim().min(1).max(500) }),
    reply: Draft,
  }),
}
