/**
 * Items of a batch that are done together may build on each other: the id that one makes is put where another
 * refers to it. The places are named outright, so no text of a body is ever taken for a reference.
 */
import type { BatchItem } from '@headgate/admin-contract/batch'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { renameKey } from '@headgate/admin-contract/wire'

/** Ids of what the items made so far, by their places in the batch. */
export type Made = (string | undefined)[]

/** An item can build on earlier ones alone. @throws AdminProblem */
export function refuseLaterRefs({ refs = [] }: BatchItem, index: number): void {
  const later = refs.findIndex((ref) => ref.item >= index)
  if (later !== -1)
    throw wrongRef(`/refs/${later}/item`, {
      message: 'names an item that is not before this one',
      fix: 'Put what makes the thing before what refers to it.',
    })
}

/**
 * The item with the ids of what earlier items made in their places.
 * @throws AdminProblem for a place that is not there, or an item that made nothing with an id
 */
export function withIds(item: BatchItem, made: Made): BatchItem {
  const filled: unknown = structuredClone({ params: item.params, body: item.body })
  for (const [index, ref] of (item.refs ?? []).entries()) {
    const id = made[ref.item]
    if (id === undefined)
      throw wrongRef(`/refs/${index}/item`, {
        message: 'names an item that makes nothing with an id',
        fix: 'Name an item that creates a thing.',
      })
    if (!put(filled, ref.at.slice(1).split('/').map(renameKey), id))
      throw wrongRef(`/refs/${index}/at`, {
        message: 'there is no such place in this item',
        fix: 'Name a field of its body or a parameter: /body/team_id.',
      })
  }
  const { params, body } = filled as Pick<BatchItem, 'params' | 'body'>
  return { ...item, params, body }
}

/** Sets what a path leads to, the last part of which need not be there. */
function put(root: unknown, path: readonly string[], id: string): boolean {
  let at: unknown = root
  for (const part of path.slice(0, -1)) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, part)) return false
    at = (at as Record<string, unknown>)[part]
  }
  const last = path.at(-1) ?? ''
  if (at === null || typeof at !== 'object' || last === '__proto__') return false
  if (Array.isArray(at) && !/^(0|[1-9][0-9]{0,3})$/.test(last)) return false
  Object.assign(at, { [last]: id })
  return true
}

function wrongRef(pointer: string, it: { message: string; fix: string }): AdminProblem {
  return new AdminProblem('invalid_request', `${pointer.slice(1)}: ${it.message}.`, {
    faults: [{ pointer, code: 'wrong_ref', ...it }],
  })
}
