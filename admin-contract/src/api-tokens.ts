/** API tokens in the admin API. A secret is in the reply to its making and nowhere else, ever. */
import { ApiToken, NewApiToken } from '@headgate/domain/api-token'
import { z } from 'zod'
import { operation } from './operation.ts'
import { listQuery, NamePart, pageOf } from './page.ts'

/** A token just made, with the one copy of its secret. */
const ApiTokenWithSecret = ApiToken.extend({
  secret: z.string().meta({ description: 'The token itself. Shown this once; keep it now.' }),
})

export const apiTokens = {
  list: operation({
    method: 'GET',
    path: '/api-tokens',
    right: 'tokens.read',
    summary: 'Lists API tokens, newest first unless `sort` says otherwise.',
    query: listQuery(['created_at', 'name', 'expires_at'], {
      createdBy: z.string().max(200).optional().meta({ description: 'Those that this actor made.' }),
      q: NamePart,
    }),
    reply: pageOf(ApiToken),
  }),
  create: operation({
    method: 'POST',
    path: '/api-tokens',
    right: 'tokens.write',
    audit: 'api-token.created',
    changesCatalog: false,
    status: 201,
    summary:
      'Creates an API token and shows its secret, once. It can do nothing that whoever makes it cannot do, and lives at most 366 days.',
    body: NewApiToken,
    reply: ApiTokenWithSecret,
  }),
  read: operation({
    method: 'GET',
    path: '/api-tokens/{tokenId}',
    right: 'tokens.read',
    summary: 'Reads one API token.',
    reply: ApiToken,
  }),
  revoke: operation({
    method: 'POST',
    path: '/api-tokens/{tokenId}/revocation',
    right: 'tokens.revoke',
    audit: 'api-token.revoked',
    changesCatalog: false,
    status: 200,
    summary: 'Revokes an API token for good, at once. Safe to repeat.',
    reply: ApiToken,
  }),
}
