/**
 * A batch is a list of writes in one request. Each is an operation of the table, judged as if it had come alone:
 * its role, its shape, its If-Match. Either each has its own result, or all are done together or none.
 */
import { z } from 'zod'
import { operation } from './operation.ts'
import { Problem } from './problem.ts'

export const ITEMS_MAX = 200
/** Of items that are done together: one transaction, one version of the catalog. */
const ATOMIC_ITEMS_MAX = 1000

/** A place in an item that takes the id of what an earlier item made, which nobody can know beforehand. */
const BatchRef = z.strictObject({
  at: z
    .string()
    .max(200)
    .regex(/^\/(params|body)(\/[A-Za-z0-9_]+)+$/, 'expected a place such as /body/team_id')
    .meta({ description: 'A pointer into this item: `/body/team_id`, `/params/app_id`.' }),
  item: z.int().min(0).max(ATOMIC_ITEMS_MAX).meta({ description: 'Which earlier item, from 0.' }),
})
export type BatchRef = z.infer<typeof BatchRef>

/** One write of a list. */
export const BatchItem = z.strictObject({
  operation: z
    .string()
    .max(64)
    .meta({ description: 'The operation by its `operationId`, as `keys.revoke`.' }),
  params: z.record(z.string().max(64), z.string().max(64)).default({}),
  body: z.unknown().optional(),
  ifMatch: z
    .string()
    .max(200)
    .optional()
    .meta({ description: 'What would be in the header If-Match; `*` where it is left out and needed.' }),
  refs: z
    .array(BatchRef)
    .max(ITEMS_MAX)
    .optional()
    .meta({ description: 'Ids of things that earlier items make; for items that are done together.' }),
})
export type BatchItem = z.infer<typeof BatchItem>

export const Batch = z
  .strictObject({
    items: z.array(BatchItem).min(1).max(ATOMIC_ITEMS_MAX),
    /** All together or none, with one version of the catalog. */
    atomic: z.boolean().default(false),
    /** Why, for the version of the catalog that comes of it. */
    message: z.string().trim().min(1).max(500).optional(),
  })
  .refine((it) => it.atomic || it.items.length <= ITEMS_MAX, {
    path: ['items'],
    error: `at most ${ITEMS_MAX}, or ${ATOMIC_ITEMS_MAX} with atomic: true`,
  })
  .refine((it) => it.atomic || it.items.every((item) => (item.refs ?? []).length === 0), {
    path: ['atomic'],
    error: 'refs are for items that are done together: send atomic: true',
  })
  .refine((it) => it.atomic || it.message === undefined, {
    path: ['message'],
    error: 'for items that are done together: send atomic: true',
  })
export type Batch = z.infer<typeof Batch>

const BatchResult = z.object({
  /** What the item would have been answered alone. */
  status: z.int(),
  /** The reply; null when it was refused. */
  body: z.unknown(),
  problem: Problem.nullable(),
})

export const batch = {
  run: operation({
    method: 'POST',
    path: '/batch',
    right: 'of-each-item',
    audit: 'of-each-item',
    changesCatalog: true,
    status: 200,
    summary:
      'Does a list of writes, each for itself with its own result, or with `atomic` all together or none. Each needs its own right.',
    body: Batch,
    reply: z.object({ data: z.array(BatchResult), succeeded: z.int().min(0), failed: z.int().min(0) }),
  }),
}
