/** Agreements in the admin API: what was negotiated for a resource or a deployment. */
import { Agreement, NewAgreement } from '@headgate/domain/agreement'
import { Allocation } from '@headgate/domain/allocation'
import { DeploymentId } from '@headgate/domain/deployment'
import { ResourceId } from '@headgate/domain/resource'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const agreements = {
  list: operation({
    method: 'GET',
    path: '/agreements',
    right: 'prices.read',
    summary: 'Lists agreements, newest first; of one resource or deployment if asked.',
    query: PageQuery.extend({ resourceId: ResourceId.optional(), deploymentId: DeploymentId.optional() }),
    reply: pageOf(Agreement),
  }),
  create: operation({
    method: 'POST',
    path: '/agreements',
    right: 'prices.write',
    audit: 'agreement.created',
    changesCatalog: true,
    status: 201,
    summary: 'Writes down a multiplier or reserved capacity of a resource or a deployment, from a date on.',
    body: NewAgreement,
    reply: Agreement,
  }),
  read: operation({
    method: 'GET',
    path: '/agreements/{agreementId}',
    right: 'prices.read',
    summary: 'Reads one agreement.',
    reply: Agreement,
  }),
  allocate: operation({
    method: 'GET',
    path: '/agreements/{agreementId}/allocation',
    right: 'prices.read',
    summary:
      'Shares out what reserved capacity cost among the teams that used it, by their tokens: this month so far, unless `from` and `to` say otherwise.',
    query: z.strictObject({
      from: z.iso.datetime({ offset: true }).optional(),
      to: z.iso.datetime({ offset: true }).optional(),
    }),
    reply: Allocation,
  }),
}
