/** Deployments (one model at one resource) in the admin API. */
import { Deployment, DeploymentChange, NewDeployment } from '@headgate/domain/deployment'
import { QuotaId, ResourceId } from '@headgate/domain/resource'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const deployments = thingOperations({
  path: '/deployments',
  id: 'deploymentId',
  thing: 'deployment',
  called: 'a deployment',
  shape: Deployment,
  create: NewDeployment,
  change: DeploymentChange,
  sorts: ['created_at', 'name'],
  filters: { resourceId: ResourceId.optional(), quotaId: QuotaId.optional(), q: NamePart },
  readRight: 'upstreams.read',
  writeRight: 'upstreams.write',
  changesCatalog: true,
  notes: { create: 'It draws on a quota of its own resource or on none.' },
})
