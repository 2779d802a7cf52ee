/**
 * The handlers that all plain things have alike, over one table each: list, create, read, change, remove. What
 * a resource has beyond them (a rule on what it may refer to, a column that holds JSON) it says in its plan.
 */
import type { Change } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { canonicalJson } from '@headgate/domain/canonical-json'
import type { IdPrefix } from '@headgate/domain/id'
import { databaseFault, referrerOf } from '../database/fault.ts'
import { type Listing, listRows } from '../database/list-rows.ts'
import { type LooseDatabase, loose } from '../database/loose.ts'
import type { Tables } from '../database/tables.ts'
import { created, found, type HandlerContext } from './context.ts'

type Thing = { readonly id: string; readonly createdAt: string }

export type ThingTable<T> = {
  readonly table: keyof Tables
  readonly prefix: IdPrefix
  /** What a thing has, where the table has more than that. All of them when left out. */
  readonly columns?: readonly (keyof T & string)[]
  /** Fields that may be null, and what a null counts as where a list is sorted by them. */
  readonly nullsAs?: Readonly<Record<string, string>>
  /** Fields that are written as JSON text. */
  readonly json?: readonly (keyof T & string)[]
  /**
   * Refuses what may not be. Called within the transaction before anything is written.
   * @param fields those that are about to be set: all of a new thing, the changed ones of another
   * @param before what is changed; null for a new thing
   */
  readonly check?: (fields: Partial<T>, context: HandlerContext, before: T | null) => void | Promise<void>
  /** Refuses to remove what has to stay, whether or not something refers to it. */
  readonly checkRemoval?: (it: T, context: HandlerContext) => void
}

type Params = Readonly<Record<string, string>>
type ListCall = Parameters<typeof listRows>[2]

/** The handlers of one table. `T` is the thing, `New` and `Changed` what is sent for it. */
export function thingHandlers<T extends Thing, New extends object, Changed extends object>(
  plan: ThingTable<T>,
) {
  const { table, prefix, check, checkRemoval } = plan
  return {
    list: ({ query }: { query: ListCall }, { db }: HandlerContext) => listRows<T>(db, listingOf(plan), query),
    read: async ({ params }: { params: Params }, { db }: HandlerContext): Promise<T> =>
      found(await readRow<T>(loose(db), plan, idIn(params))),
    create: async ({ body }: { body: New }, context: HandlerContext): Promise<Change<T>> => {
      // What a body may hold is what the thing has, less what is added here.
      const thing = { ...body, id: context.newId(prefix), createdAt: context.now } as unknown as T
      await check?.(thing, context, null)
      const rows = loose(context.db).insertInto(table).values(rowOf(thing, plan))
      return created(thingIn(await rows.returningAll().executeTakeFirstOrThrow(), plan))
    },
    change: async (
      { params, body }: { params: Params; body: Changed },
      context: HandlerContext,
    ): Promise<Change<T>> => {
      const before = found(await lockRow<T>(loose(context.db), plan, idIn(params)))
      const fields = differences(before, body as Partial<T>)
      if (Object.keys(fields).length === 0) return { changed: false, reply: before }
      await check?.(fields, context, before)
      const row = await loose(context.db)
        .updateTable(table)
        .set(rowOf(fields, plan))
        .where('id', '=', before.id)
        .returningAll()
        .executeTakeFirstOrThrow()
      const after = thingIn(row, plan)
      return { changed: true, reply: after, subjectId: after.id, before, after }
    },
    remove: async ({ params }: { params: Params }, context: HandlerContext): Promise<Change<T>> => {
      const { db } = context
      const before = found(await lockRow<T>(loose(db), plan, idIn(params)))
      checkRemoval?.(before, context)
      await refusingReferrers(() => loose(db).deleteFrom(table).where('id', '=', before.id).execute())
      return { changed: true, reply: before, subjectId: before.id, before, after: null }
    },
  }
}

/** The one parameter that such a path has. */
function idIn(params: Params): string {
  return Object.values(params)[0] ?? ''
}

/** What its list is made from; a list with conditions of its own adds them. */
export function listingOf<T>({ table, columns, nullsAs = {} }: ThingTable<T>): Listing {
  return { table, nullsAs, ...(columns === undefined ? {} : { columns }) }
}

async function readRow<T>(db: LooseDatabase, plan: ThingTable<T>, id: string): Promise<T | undefined> {
  const row = await db.selectFrom(plan.table).selectAll().where('id', '=', id).executeTakeFirst()
  return row && thingIn(row, plan)
}

/** Locks the row until the transaction ends, so that a change is judged on what it is applied to. */
async function lockRow<T>(db: LooseDatabase, plan: ThingTable<T>, id: string): Promise<T | undefined> {
  const row = db.selectFrom(plan.table).selectAll().where('id', '=', id).forUpdate()
  const found = await row.executeTakeFirst()
  return found && thingIn(found, plan)
}

/** A row without the columns that are no part of the thing. */
function thingIn<T>(row: Record<string, unknown>, { columns }: ThingTable<T>): T {
  const some = columns?.map((column) => [column, row[column]] as const)
  // The plan says whose table it is; the walk over tables cannot know.
  return (some === undefined ? row : Object.fromEntries(some)) as T
}

function rowOf<T>(fields: Partial<T>, { json }: ThingTable<T>): Record<string, unknown> {
  const row: Record<string, unknown> = { ...fields }
  for (const field of json ?? []) if (row[field] != null) row[field] = JSON.stringify(row[field])
  return row
}

/** The fields that would not be what they are already. */
export function differences<T extends object>(before: T, change: Partial<T>): Partial<T> {
  const fields = Object.keys(change) as (keyof T)[]
  const differs = (it: keyof T) =>
    change[it] !== undefined && canonicalJson(before[it]) !== canonicalJson(change[it])
  return Object.fromEntries(fields.filter(differs).map((field) => [field, change[field]])) as Partial<T>
}

/**
 * Runs a deletion and says what kept it from being done.
 * @throws AdminProblem `conflict` that names what still refers to the thing
 */
export async function refusingReferrers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (fault) {
    if (databaseFault(fault)?.code !== '23503') throw fault
    throw inUse(referrerOf(fault), fault)
  }
}

/** Things that stay for good, so that what they are of stays with them, and what can be done in place of removing it. */
const lasting: Readonly<Record<string, string>> = {
  agreements:
    'An agreement that is still to come can be removed; one that has come into force stays, and so does what it is of. To have no calls served there any more, take its deployments out of every route.',
  budgets:
    'A budget is ended and kept with its history, and so is its owner. To have no calls made any more, end its budgets and revoke its keys.',
}

/** Refuses the removal of what others refer to. @param referrers as `limits` */
export function inUse(referrers: string, cause?: unknown): AdminProblem {
  return new AdminProblem('conflict', `Nothing was changed: ${referrers} still refer to it.`, {
    cause,
    faults: [
      {
        pointer: '',
        code: 'in_use',
        message: `${referrers} still refer to it`,
        fix: lasting[referrers] ?? `Remove those ${referrers} first, or in the same batch before it.`,
      },
    ],
  })
}
