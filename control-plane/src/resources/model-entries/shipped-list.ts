/**
 * The list of models that comes with this version: what OpenAI's and Azure's serve and how long they read and write, with
 * its source and day. `scripts/make-shipped-lists.ts` makes it; whose data it is stands in NOTICES.md.
 */
import { ModelList } from '@headgate/domain/model-list'
import list from './shipped-list.json' with { type: 'json' }

/** The list, read anew each time: it is asked for a few times a year. */
export function shippedModelList(): ModelList {
  return ModelList.parse(list)
}
