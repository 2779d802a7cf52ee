/**
 * The handlers of things that hold for a time and are billed with, over one table each: prices and agreements. What
 * has come into force is closed and not rewritten, what has not may be changed and removed, and no two cross. Each
 * refusal names what is in the way and how to go on.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import { renameKey, wirePointer } from '@headgate/admin-contract/wire'
import { crossedBy, type Validity, validityState } from '@headgate/domain/validity'
import type { z } from 'zod'
import { type HandlerContext, refuseThePast } from './context.ts'
import { type ThingTable, thingHandlers } from './things.ts'

type Dated = Validity & { readonly id: string; readonly createdAt: string }

type DatedRules<T> = {
  /** As sentences call it: `price`. */
  readonly called: string
  /** The fields that no bill is made from; they may be changed as long as it has not ended. */
  readonly beside: readonly (keyof T & string)[]
  /** What a new one must look like; the whole of a changed one is held against it. */
  readonly shape: z.ZodType
  /** All that hold for the same calls. */
  readonly rivals: (it: T, context: HandlerContext) => Promise<readonly T[]>
}

/** The handlers of one table. `T` is the thing, `New` and `Changed` what is sent for it. */
export function datedHandlers<T extends Dated, New extends object, Changed extends object>(
  table: Pick<ThingTable<T>, 'table' | 'prefix' | 'json'>,
  rules: DatedRules<T>,
) {
  const plain = thingHandlers<T, New, Changed>({
    ...table,
    check: async (fields, context, before) => {
      const after = { ...before, ...fields } as T
      if (before !== null) {
        refuseRewriting(before, fields, { ...rules, context })
        const { id: _, createdAt: __, ...said } = after
        refuseMalformed(rules.shape, said)
      }
      refuseCrossing(after, await rules.rivals(after, context), rules.called)
    },
    checkRemoval: (it, context) => refuseForgetting(it, rules.called, context),
  })
  const { create, change } = plain
  return {
    ...plain,
    create: ({ body }: Parameters<typeof create>[0], context: HandlerContext) =>
      create({ body: withInstants(body) }, context),
    change: ({ params, body }: Parameters<typeof change>[0], context: HandlerContext) =>
      change({ params, body: withInstants(body) }, context),
  }
}

/** With instants as they are kept, so that the same one in another time zone is no change. */
function withInstants<T extends object>(fields: T): T {
  const { effectiveFrom, effectiveTo } = fields as Partial<Validity>
  return {
    ...fields,
    ...(effectiveFrom === undefined ? {} : { effectiveFrom: new Date(effectiveFrom).toISOString() }),
    ...(effectiveTo == null ? {} : { effectiveTo: new Date(effectiveTo).toISOString() }),
  }
}

type Rewriting<T> = Pick<DatedRules<T>, 'called' | 'beside'> & { readonly context: HandlerContext }

/** Refuses a change to what calls may have been billed with, but for its end. */
function refuseRewriting<T extends Dated>(
  before: T,
  fields: Partial<T>,
  { called, beside, context }: Rewriting<T>,
): void {
  const state = validityState(before, context.nowMs)
  const rewritten = Object.keys(fields).filter((it) => !(beside as readonly string[]).includes(it))
  const [first] = rewritten
  if (state === 'coming' || first === undefined) return
  if (state === 'ended')
    throw refused(`the ${called} ended at ${before.effectiveTo}`, {
      ...{ pointer: `/${renameKey(first)}`, code: 'ended' },
      fix: `Create another ${called} from an instant on; POST /reratings prices past calls anew.`,
    })
  const fixed = rewritten.find((it) => it !== 'effectiveTo')
  if (fixed !== undefined)
    throw refused(`calls are billed with this ${called} since ${before.effectiveFrom}`, {
      ...{ pointer: `/${renameKey(fixed)}`, code: 'in_force' },
      fix: `Create another ${called} with a later effective_from, which takes its place; or set effective_to, which closes it.`,
    })
  refuseThePast('/effective_to', fields.effectiveTo, context)
}

/** Refuses to remove what calls may have been billed with. */
function refuseForgetting(it: Dated, called: string, { nowMs }: HandlerContext): void {
  const state = validityState(it, nowMs)
  if (state === 'coming') return
  throw refused(`calls may have been billed with ${called} ${it.id}, in force since ${it.effectiveFrom}`, {
    ...{ pointer: '', code: state },
    fix:
      state === 'ended'
        ? 'Leave it: it has ended, and records name it.'
        : `Set its effective_to, which closes it, or create another ${called} that takes its place.`,
  })
}

/** Refuses one that would hold at the same time as another. @param others may hold itself, as it was */
function refuseCrossing<T extends Dated>(it: T, others: readonly T[], called: string): void {
  const rivals = others.filter(({ id }) => id !== it.id)
  const other = crossedBy(it, rivals)
  if (other === undefined) return
  const isLater = Date.parse(it.effectiveFrom) > Date.parse(other.effectiveFrom)
  const { effectiveFrom: from, effectiveTo: to } = other
  const span = to === null ? `from ${from} on` : `from ${from} to ${to}`
  throw refused(`${called} ${other.id} holds ${span}, and for a time both would hold`, {
    ...{ pointer: isLater ? '/effective_from' : '/effective_to', code: 'crosses' },
    fix: isLater
      ? `Let this one begin at ${to}, or first set effective_to of ${other.id} to ${it.effectiveFrom}.`
      : `Let this one end at ${from}, or leave effective_to out: ${other.id} takes its place then.`,
  })
}

/** Holds the whole of a changed thing against the shape that new ones have. */
function refuseMalformed(shape: z.ZodType, whole: object): void {
  const [issue] = shape.safeParse(whole).error?.issues ?? []
  if (issue === undefined) return
  const { code, message } = issue
  const pointer = wirePointer(issue.path)
  throw new AdminProblem('invalid_request', `${pointer.slice(1)}: ${message}.`, {
    faults: [{ pointer, code, message, fix: 'Send the fields that belong to it as well.' }],
  })
}

function refused(message: string, fault: { pointer: string; code: string; fix: string }): AdminProblem {
  return new AdminProblem('conflict', `Nothing was changed: ${message}.`, { faults: [{ message, ...fault }] })
}
