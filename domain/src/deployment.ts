/** A deployment is one model at one resource: the thing a call is finally sent to, and the quota it draws on. */
import { z } from 'zod'
import { idOf } from './id.ts'
import { MachineName } from './name.ts'
import { QuotaId, ResourceId } from './resource.ts'

export const DeploymentId = idOf('dep')

export const Deployment = z.object({
  id: DeploymentId,
  name: MachineName,
  resourceId: ResourceId,
  quotaId: QuotaId.nullable(),
  /** What the provider calls it: OpenAI's model name, Azure's deployment name. */
  upstreamModel: MachineName,
  /** The name prices are listed under; differs from `upstreamModel` where Azure deployments have names of their own. */
  pricedAs: MachineName,
  createdAt: z.iso.datetime({ offset: true }),
})
export type Deployment = z.infer<typeof Deployment>

export const NewDeployment = Deployment.omit({ id: true, createdAt: true, pricedAs: true, quotaId: true })
  .extend({ quotaId: QuotaId.nullable().default(null), pricedAs: MachineName.optional() })
  .strict()
  .transform((it) => ({ ...it, pricedAs: it.pricedAs ?? it.upstreamModel }))
export type NewDeployment = z.infer<typeof NewDeployment>

/** A deployment stays at its resource: elsewhere it would be another one, with its own figures. */
export const DeploymentChange = Deployment.omit({ id: true, resourceId: true, createdAt: true })
  .partial()
  .strict()
export type DeploymentChange = z.infer<typeof DeploymentChange>
