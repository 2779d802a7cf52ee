/** Proxy keys in the admin API. A secret is in the reply to its making and nowhere else, ever. */
import { AppId } from '@headgate/domain/app'
import { KeyEnvironment, KeyState, NewProxyKey, ProxyKey, ProxyKeyChange } from '@headgate/domain/proxy-key'
import { TeamId } from '@headgate/domain/team'
import { UserId } from '@headgate/domain/user'
import { z } from 'zod'
import { Instant } from './instant.ts'
import { operation } from './operation.ts'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

/** A key just made, with the one copy of its secret. */
export const ProxyKeyWithSecret = ProxyKey.extend({
  secret: z.string().meta({ description: 'The key itself. Shown this once; keep it now.' }),
})

const plain = thingOperations({
  path: '/keys',
  id: 'keyId',
  thing: 'key',
  called: 'a proxy key',
  shape: ProxyKey,
  create: NewProxyKey,
  change: ProxyKeyChange,
  sorts: ['created_at', 'name', 'expires_at', 'rotation_due_at'],
  filters: {
    teamId: TeamId.optional(),
    appId: AppId.optional(),
    userId: UserId.optional(),
    state: KeyState.optional(),
    environment: KeyEnvironment.optional(),
    expiresBefore: Instant.optional().meta({
      description: 'Only those that have an expiry, and it is before this instant.',
    }),
    rotationDueBefore: Instant.optional().meta({
      description: 'Only those whose secret is to be replaced before this instant.',
    }),
    q: NamePart,
  },
  readRight: 'keys.read',
  writeRight: 'keys.write',
  changesCatalog: false,
  notes: {
    change: 'It can be given to another app or user of its team, disabled and enabled, and its expiry moved.',
    remove: 'Only a revoked or expired one can be removed.',
  },
})

export const keys = {
  ...plain,
  create: operation({
    ...plain.create,
    summary: 'Creates a proxy key of an app and shows its secret, once.',
    reply: ProxyKeyWithSecret,
  }),
  revoke: operation({
    method: 'POST',
    path: '/keys/{keyId}/revocation',
    right: 'keys.revoke',
    audit: 'key.revoked',
    changesCatalog: false,
    status: 200,
    summary: 'Revokes a proxy key for good. Gateways refuse it within two seconds. Safe to repeat.',
    reply: ProxyKey,
  }),
}
