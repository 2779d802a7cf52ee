/** What the admin API does with model entries. */
import type { modelEntries } from '@headgate/admin-contract/model-entries'
import type { Handlers } from '@headgate/admin-contract/operation'
import {
  isInOrder,
  type ModelEntry,
  type ModelEntryChange,
  type NewModelEntry,
} from '@headgate/domain/model-entry'
import { fieldFault, type HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'
import { takeOver } from './import.ts'

const plain = thingHandlers<ModelEntry, NewModelEntry, ModelEntryChange>({
  table: 'modelEntries',
  prefix: 'mdl',
  nullsAs: { retiredOn: '9999-12-31' },
  check: (fields, _, before) => {
    const { deprecatedOn = null, retiredOn = null } = { ...before, ...fields }
    if (isInOrder(deprecatedOn, retiredOn)) return
    throw fieldFault('/retired_on', {
      ...{ code: 'invalid_value', message: `before deprecated_on, which is ${deprecatedOn}` },
      fix: 'Send both days in their order, or null for one that is not known.',
    })
  },
})

/** What no list says. */
const beside: ReadonlySet<string> = new Set(['note', 'source'])

export const modelEntriesHandlers: Handlers<typeof modelEntries, HandlerContext> = {
  ...plain,
  change: ({ params, body }, context) => {
    const isByHand = body.source === undefined && Object.keys(body).some((field) => !beside.has(field))
    return plain.change({ params, body: isByHand ? { ...body, source: null } : body }, context)
  },
  takeOver,
}
