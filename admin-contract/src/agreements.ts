/** Agreements in the admin API: what was negotiated for a resource or a deployment. */
import { Agreement, AgreementChange, NewAgreement } from '@headgate/domain/agreement'
import { Allocation } from '@headgate/domain/allocation'
import { DeploymentId } from '@headgate/domain/deployment'
import { ResourceId } from '@headgate/domain/resource'
import { z } from 'zod'
import { Instant } from './instant.ts'
import { operation } from './operation.ts'
import { thingOperations } from './thing.ts'

const plain = thingOperations({
  path: '/agreements',
  id: 'agreementId',
  thing: 'agreement',
  called: 'an agreement',
  shape: Agreement,
  create: NewAgreement,
  change: AgreementChange,
  sorts: ['created_at', 'effective_from'],
  filters: { resourceId: ResourceId.optional(), deploymentId: DeploymentId.optional() },
  readRight: 'prices.read',
  writeRight: 'prices.write',
  changesCatalog: true,
  notes: {
    create: 'It is a multiplier or reserved capacity of a resource or a deployment, from a date on.',
    change:
      'Of one that is in force only its end and its note: `effective_to` closes it at an instant to come, null opens it again.',
    remove: 'Only one that never came into force; any other is closed.',
  },
})

export const agreements = {
  ...plain,
  allocate: operation({
    method: 'GET',
    path: '/agreements/{agreementId}/allocation',
    right: 'prices.read',
    summary:
      'Shares out what reserved capacity cost among the teams that used it, by their tokens: this month so far, unless `from` and `to` say otherwise.',
    query: z.strictObject({
      from: Instant.optional(),
      to: Instant.optional(),
    }),
    reply: Allocation,
  }),
}
