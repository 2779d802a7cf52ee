/** Model aliases (the names callers write in `model`) in the admin API. */
import { ModelAlias, NewModelAlias } from '@headgate/domain/model-alias'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const modelAliases = {
  list: operation({
    method: 'GET',
    path: '/model-aliases',
    role: 'viewer',
    summary: 'Lists model aliases, newest first.',
    query: PageQuery,
    reply: pageOf(ModelAlias),
  }),
  create: operation({
    method: 'POST',
    path: '/model-aliases',
    role: 'admin',
    audit: 'model-alias.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a model alias. It is offered to callers once a route leads on from it.',
    body: NewModelAlias,
    reply: ModelAlias,
  }),
  read: operation({
    method: 'GET',
    path: '/model-aliases/{aliasId}',
    role: 'viewer',
    summary: 'Reads one model alias.',
    reply: ModelAlias,
  }),
}
