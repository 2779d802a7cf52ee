/** Proxy keys in the admin API. The key itself is in the reply to its creation and nowhere else, ever. */
import { AppId } from '@headgate/domain/app'
import { KeyState, NewProxyKey, ProxyKey } from '@headgate/domain/proxy-key'
import { TeamId } from '@headgate/domain/team'
import { UserId } from '@headgate/domain/user'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

/** A key just made, with the one copy of its secret. */
export const ProxyKeyWithSecret = ProxyKey.extend({
  secret: z.string().meta({ description: 'The key itself. Shown this once; keep it now.' }),
})

export const keys = {
  list: operation({
    method: 'GET',
    path: '/keys',
    role: 'viewer',
    summary: 'Lists proxy keys, newest first; of one team, app, user or state if asked.',
    query: PageQuery.extend({
      teamId: TeamId.optional(),
      appId: AppId.optional(),
      userId: UserId.optional(),
      state: KeyState.optional(),
    }),
    reply: pageOf(ProxyKey),
  }),
  create: operation({
    method: 'POST',
    path: '/keys',
    role: 'operator',
    audit: 'key.created',
    changesCatalog: false,
    status: 201,
    summary: 'Creates a proxy key of an app and shows its secret, once.',
    body: NewProxyKey,
    reply: ProxyKeyWithSecret,
  }),
  read: operation({
    method: 'GET',
    path: '/keys/{keyId}',
    role: 'viewer',
    summary: 'Reads one proxy key, without its secret.',
    reply: ProxyKey,
  }),
  revoke: operation({
    method: 'POST',
    path: '/keys/{keyId}/revocation',
    role: 'operator',
    audit: 'key.revoked',
    changesCatalog: false,
    status: 200,
    summary: 'Revokes a proxy key for good. Gateways refuse it within two seconds. Safe to repeat.',
    reply: ProxyKey,
  }),
}
