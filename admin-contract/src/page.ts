/**
 * A page is one answer of a list: newest first, with a cursor that leads to the next. No offsets, because
 * rows that are added meanwhile would shift them.
 */
import { z } from 'zod'

/** Query strings hold text only, hence the coercion. */
const Limit = z.coerce.number<string | number>().int().min(1).max(200)

/** Where a page or a stream goes on. */
export const Cursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,4000}$/, 'expected what an earlier answer told, unchanged')

/** What every list takes. `limit` is 1 to 200; `cursor` is `next_cursor` of the page before. */
export const PageQuery = z.strictObject({
  limit: Limit.default(50).meta({ description: 'How many, 1 to 200.' }),
  cursor: Cursor.optional().meta({ description: '`next_cursor` of the page before.' }),
})
export type PageQuery = z.infer<typeof PageQuery>

/** The shape of a page of something. */
export function pageOf<T extends z.ZodType>(thing: T) {
  return z.object({
    data: z.array(thing),
    page: z.object({
      /** Null on the last page. */
      nextCursor: z.string().nullable(),
      hasMore: z.boolean(),
    }),
  })
}

export type Page<T> = {
  readonly data: T[]
  readonly page: { readonly nextCursor: string | null; readonly hasMore: boolean }
}

/** How a list of named things can be narrowed and put in order. Fields of `filters` must equal; `q` is a part of the name. */
export function listQuery<const Sorts extends readonly [string, ...string[]], Filters extends z.ZodRawShape>(
  sorts: Sorts,
  filters: Filters,
) {
  const both = sorts.flatMap((sort) => [sort, `-${sort}`]) as (Sorts[number] | `-${Sorts[number]}`)[]
  return PageQuery.extend({
    sort: z
      .enum(both)
      .optional()
      .meta({ description: 'A field, with `-` in front for downwards; `-created_at` if left out.' }),
    ...filters,
  })
}

/** A part of a name, in small letters or large. */
export const NamePart = z.string().min(1).max(100).optional().meta({ description: 'A part of the name.' })
