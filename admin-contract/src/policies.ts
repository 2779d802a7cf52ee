/** Policies in the admin API: what keys, apps, teams and the organisation may use, and the caps on a call. */
import { NewPolicy, Policy, PolicyChange, PolicyMode, PolicyOwnerId } from '@headgate/domain/policy'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const policies = thingOperations({
  path: '/policies',
  id: 'policyId',
  thing: 'policy',
  called: 'a policy',
  shape: Policy,
  create: NewPolicy,
  change: PolicyChange,
  sorts: ['created_at', 'name'],
  filters: { ownerId: PolicyOwnerId.optional(), mode: PolicyMode.optional(), q: NamePart },
  readRight: 'policies.read',
  writeRight: 'policies.write',
  changesCatalog: true,
  notes: {
    create: 'Its owner is a team, an app, a key or, with `owner_id` null, the organisation.',
    change: 'Null takes a list or a cap away.',
  },
})
