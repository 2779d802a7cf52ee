/** Policies in the admin API: what keys, apps, teams and the organisation may use, and the caps on a call. */
import { NewPolicy, Policy, PolicyChange, PolicyOwnerId } from '@headgate/domain/policy'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const policies = {
  list: operation({
    method: 'GET',
    path: '/policies',
    role: 'viewer',
    summary: 'Lists policies, newest first; of one team, app or key if asked.',
    query: PageQuery.extend({ ownerId: PolicyOwnerId.optional() }),
    reply: pageOf(Policy),
  }),
  create: operation({
    method: 'POST',
    path: '/policies',
    role: 'admin',
    audit: 'policy.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a policy of a team, an app, a key or, with `owner_id` null, of the organisation.',
    body: NewPolicy,
    reply: Policy,
  }),
  read: operation({
    method: 'GET',
    path: '/policies/{policyId}',
    role: 'viewer',
    summary: 'Reads one policy.',
    reply: Policy,
  }),
  change: operation({
    method: 'PATCH',
    path: '/policies/{policyId}',
    role: 'admin',
    audit: 'policy.changed',
    changesCatalog: true,
    status: 200,
    summary: 'Changes a policy; what is left out stays as it is, null takes a list or a cap away.',
    body: PolicyChange,
    reply: Policy,
  }),
  remove: operation({
    method: 'DELETE',
    path: '/policies/{policyId}',
    role: 'admin',
    audit: 'policy.removed',
    changesCatalog: true,
    status: 200,
    summary: 'Removes a policy and answers with what it was.',
    reply: Policy,
  }),
}
