/** From steps to items of a batch. What one step makes, a later one refers to by its place in the batch. */
import type { BatchItem, BatchRef } from '@headgate/admin-contract/batch'
import { renameKey } from '@headgate/admin-contract/wire'
import { allOperations } from '../contract-commands.ts'
import type { Ref } from './kind.ts'
import type { Step } from './plan.ts'

export type Item = {
  readonly operation: string
  readonly params: Record<string, string>
  readonly body?: unknown
  readonly ifMatch?: string
  readonly refs: BatchRef[]
}

const sentBeside = ['allowOversubscription', 'source']

/** Stands in a body for an id that nobody knows yet. */
class Unmade {
  readonly item: number
  constructor(item: number) {
    this.item = item
  }
}

/**
 * The items of some steps.
 * @param ids of what is there, by section and identity
 */
export function batchItems(
  steps: readonly Step[],
  ids: ReadonlyMap<string, string>,
  etags: ReadonlyMap<string, string>,
): Item[] {
  const made = new Map<string, number>()
  const ref: Ref = (section, identity) => {
    const name = `${section} ${identity}`
    const item = made.get(name)
    return ids.get(name) ?? (item === undefined ? null : new Unmade(item))
  }
  return steps.map((step, index) => {
    if (step.action === 'create') made.set(`${step.stated.kind.section} ${step.stated.identity}`, index)
    return itemOf(step, ref, etags)
  })
}

function itemOf(step: Step, ref: Ref, etags: ReadonlyMap<string, string>): Item {
  if (step.action === 'create') {
    const { kind, entry } = step.stated
    return filled(kind.operations.create, {}, kind.bodyOf(entry, ref))
  }
  const { kind, id } = step.live
  const operation = kind.operations[step.action]
  const params = paramsOf(operation, id)
  const etag = etags.get(id)
  // What has no path of its own, as a rate that is put, has no state to be compared with.
  const guard = etag === undefined || Object.keys(params).length === 0 ? {} : { ifMatch: etag }
  if (step.action === 'remove') return { operation, params, refs: [], ...guard }
  const body = kind.bodyOf(step.stated.entry, ref)
  // What is put is put whole; a change holds what differs, and besides what says how it is meant: what a limit may be
  // changed in spite of, and whose word an entry of a model is.
  const fields = Object.keys(params).length === 0 ? Object.keys(body) : [...step.fields, ...sentBeside]
  const changed = Object.fromEntries(
    fields.flatMap((field) => (Object.hasOwn(body, field) ? [[field, body[field]]] : [])),
  )
  return { ...filled(operation, params, changed), ...guard }
}

function paramsOf(operation: string, id: string): Record<string, string> {
  const name = /\{(\w+)\}/.exec(allOperations().get(operation)?.path ?? '')?.[1]
  return name === undefined ? {} : { [name]: id }
}

/** With what is not made yet named by its place, and empty in the body. */
function filled(operation: string, params: Record<string, string>, body: unknown): Item {
  const refs: BatchRef[] = []
  const walk = (value: unknown, at: string): unknown => {
    if (value instanceof Unmade) {
      refs.push({ at, item: value.item })
      return null
    }
    if (Array.isArray(value)) return value.map((item, index) => walk(item, `${at}/${index}`))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, walk(inner, `${at}/${renameKey(key)}`)]),
    )
  }
  return { operation, params, body: walk(body, '/body'), refs }
}

/** As the admin API takes it: a list of refs is left out where there is none. */
export function asBatchItem({ refs, ...item }: Item): Partial<BatchItem> & Pick<BatchItem, 'operation'> {
  return refs.length === 0 ? item : { ...item, refs }
}
