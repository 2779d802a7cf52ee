/** What the admin API does with deployments. */
import type { deployments } from '@headgate/admin-contract/deployments'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { Deployment, DeploymentChange, NewDeployment } from '@headgate/domain/deployment'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

export const deploymentsHandlers: Handlers<typeof deployments, HandlerContext> = thingHandlers<
  Deployment,
  NewDeployment,
  DeploymentChange
>({ table: 'deployments', prefix: 'dep' })
