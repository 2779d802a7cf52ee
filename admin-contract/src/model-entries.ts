/** Model entries in the admin API: what is known of the models of providers. */
import { ModelEntry, ModelEntryChange, NewModelEntry } from '@headgate/domain/model-entry'
import { ModelDifference, ModelList } from '@headgate/domain/model-list'
import { Provider } from '@headgate/domain/price'
import { z } from 'zod'
import { listImportBody, listImportReply } from './list-import.ts'
import { operation } from './operation.ts'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

const plain = thingOperations({
  path: '/model-entries',
  id: 'entryId',
  thing: 'model-entry',
  called: 'a model entry',
  shape: ModelEntry,
  create: NewModelEntry,
  change: ModelEntryChange,
  sorts: ['created_at', 'name', 'retired_on'],
  filters: { provider: Provider.optional(), q: NamePart },
  readRight: 'upstreams.read',
  writeRight: 'upstreams.write',
  changesCatalog: true,
  notes: {
    create:
      'It holds for deployments that name the model in `priced_as`: calls of endpoints that it does not serve go elsewhere, and its longest answer bounds what calls are held to.',
    change: 'Whoever changes what a list may say writes it by hand from then on: `source` becomes null.',
    remove: 'What deployments run is not known any more then.',
  },
})

export const modelEntries = {
  ...plain,
  takeOver: operation({
    method: 'POST',
    path: '/model-entries/import',
    right: 'upstreams.write',
    audit: 'model-entries.imported',
    changesCatalog: true,
    status: 200,
    summary:
      'Compares a list of models, or with `list` null the shipped one, with the entries there are and changes nothing. Sent again with `confirm` of the answer it makes entries of what is new and changes those that came from a list. What was written by hand stays.',
    body: listImportBody(ModelList, {}),
    reply: listImportReply(ModelDifference).extend({
      /** Of how many models there is an entry that was written by hand. */
      byHand: z.int(),
    }),
  }),
}
