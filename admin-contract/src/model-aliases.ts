/** Model aliases in the admin API. */
import { ModelAlias, ModelAliasChange, NewModelAlias } from '@headgate/domain/model-alias'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const modelAliases = thingOperations({
  path: '/model-aliases',
  id: 'aliasId',
  thing: 'model-alias',
  called: 'a model alias',
  shape: ModelAlias,
  create: NewModelAlias,
  change: ModelAliasChange,
  sorts: ['created_at', 'name'],
  filters: { q: NamePart },
  readRight: 'upstreams.read',
  writeRight: 'upstreams.write',
  changesCatalog: true,
  notes: {
    create:
      "Callers can use it once it has a route. One with the name of a provider's model that leads to another model is refused unless `overrides_model` says that it is meant.",
  },
})
