/**
 * The five operations that all plain things have alike: list, create, read, change, remove. A resource of the
 * admin API says what is special about it (shape, rights, filters), and what is the same is said here once.
 */
import type { Right } from '@headgate/domain/right'
import type { z } from 'zod'
import { operation } from './operation.ts'
import { listQuery, pageOf } from './page.ts'

type ThingPlan<Path extends string, Id, Shape, New, Changed, Sorts, Filters> = {
  readonly path: `/${Path}`
  /** The name of its id in paths. */
  readonly id: Id
  /** As the audit events call it: `team` gives `team.created`. */
  readonly thing: string
  /** As sentences call it: `a team`. */
  readonly called: string
  readonly shape: Shape
  readonly create: New
  readonly change: Changed
  /** Fields a list can be sorted by, in the words of the wire. */
  readonly sorts: Sorts
  /** Fields that must equal, and perhaps `q`. */
  readonly filters: Filters
  readonly readRight: Right
  readonly writeRight: Right
  readonly changesCatalog: boolean
  /** What more a reader should know, one sentence each. */
  readonly notes?: { readonly create?: string; readonly change?: string; readonly remove?: string }
}

/** The operations of one kind of thing. */
export function thingOperations<
  const Path extends string,
  const Id extends string,
  Shape extends z.ZodType,
  New extends z.ZodType,
  Changed extends z.ZodType,
  const Sorts extends readonly [string, ...string[]],
  Filters extends z.ZodRawShape,
>(it: ThingPlan<Path, Id, Shape, New, Changed, Sorts, Filters>) {
  const one: `/${Path}/{${Id}}` = `${it.path}/{${it.id}}`
  const { changesCatalog, notes = {} } = it
  const note = (text: string | undefined) => (text === undefined ? '' : ` ${text}`)
  const thing = it.called.replace(/^an? /, '')
  return {
    list: operation({
      method: 'GET',
      path: it.path,
      right: it.readRight,
      summary: `Lists ${it.path.slice(1).replaceAll('-', ' ')}, newest first unless \`sort\` says otherwise.`,
      query: listQuery(it.sorts, it.filters),
      reply: pageOf(it.shape),
    }),
    create: operation({
      method: 'POST',
      path: it.path,
      right: it.writeRight,
      audit: `${it.thing}.created` as const,
      changesCatalog,
      status: 201,
      summary: `Creates ${it.called}.${note(notes.create)}`,
      body: it.create,
      reply: it.shape,
    }),
    read: operation({
      method: 'GET',
      path: one,
      right: it.readRight,
      summary: `Reads one ${thing}.`,
      reply: it.shape,
    }),
    change: operation({
      method: 'PATCH',
      path: one,
      right: it.writeRight,
      audit: `${it.thing}.changed` as const,
      changesCatalog,
      status: 200,
      summary: `Changes ${it.called}; what is left out stays as it is.${note(notes.change)}`,
      body: it.change,
      reply: it.shape,
    }),
    remove: operation({
      method: 'DELETE',
      path: one,
      right: it.writeRight,
      audit: `${it.thing}.removed` as const,
      changesCatalog,
      status: 200,
      summary: `Removes ${it.called} that nothing refers to, and answers with what it was.${note(notes.remove)}`,
      reply: it.shape,
    }),
  }
}
