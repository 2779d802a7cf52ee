/** Model entries in the admin API: what is known of the models of providers. */
import { ModelEntry, ModelEntryChange, NewModelEntry } from '@headgate/domain/model-entry'
import { Provider } from '@headgate/domain/price'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const modelEntries = thingOperations({
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
    remove: 'What deployments run is not known any more then.',
  },
})
