/** Deployments (one model at one resource) in the admin API. */
import { Deployment, NewDeployment } from '@headgate/domain/deployment'
import { ResourceId } from '@headgate/domain/resource'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const deployments = {
  list: operation({
    method: 'GET',
    path: '/deployments',
    role: 'viewer',
    summary: 'Lists deployments, newest first; of one resource if asked.',
    query: PageQuery.extend({ resourceId: ResourceId.optional() }),
    reply: pageOf(Deployment),
  }),
  create: operation({
    method: 'POST',
    path: '/deployments',
    role: 'admin',
    audit: 'deployment.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a deployment. `priced_as` is `upstream_model` unless said otherwise.',
    body: NewDeployment,
    reply: Deployment,
  }),
  read: operation({
    method: 'GET',
    path: '/deployments/{deploymentId}',
    role: 'viewer',
    summary: 'Reads one deployment.',
    reply: Deployment,
  }),
}
