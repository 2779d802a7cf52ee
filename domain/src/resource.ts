/**
 * A resource is one account at a provider and the quotas it grants us: the root of every limit tree.
 * Where it lives (`origin`) and where its credential is (`secretRef`) are set by admins only; nothing a
 * caller sends can change either.
 */
import { z } from 'zod'
import { idOf } from './id.ts'
import { MachineName } from './name.ts'
import { SecretRef } from './secret-ref.ts'

export const ResourceId = idOf('res')
export const QuotaId = idOf('quo')

/**
 * How the provider is spoken to: `openai` (`/v1/…`), `azure-v1` (`/openai/v1/…`), `azure-dated`
 * (`/openai/deployments/{name}/…?api-version=`).
 */
export const ApiStyle = z.enum(['openai', 'azure-v1', 'azure-dated'])
export type ApiStyle = z.infer<typeof ApiStyle>

/** Plain host names or IPv4 only: what a URL parser could read in two ways is refused before it is parsed. */
const ORIGIN = /^https:\/\/[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{2,5})?$/
const LOOPBACK_ORIGIN = /^http:\/\/127\.0\.0\.1:[0-9]{2,5}$/

export const ProviderOrigin = z
  .string()
  .max(253)
  .refine((text) => ORIGIN.test(text) || LOOPBACK_ORIGIN.test(text), {
    error: 'expected an origin such as https://api.openai.com: https, a lower-case host, no path, no user',
  })

/** True for the plain-HTTP loopback form, which only an explicit setting allows (demo and tests). */
export function isLoopbackOrigin(origin: string): boolean {
  return LOOPBACK_ORIGIN.test(origin)
}

const ApiVersion = z
  .string()
  .regex(/^20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?$/, 'expected YYYY-MM-DD[-preview]')

export const Resource = z.object({
  id: ResourceId,
  name: MachineName,
  apiStyle: ApiStyle,
  origin: ProviderOrigin,
  /** Needed for `azure-dated`, refused elsewhere. */
  apiVersion: ApiVersion.nullable(),
  secretRef: SecretRef,
  createdAt: z.iso.datetime({ offset: true }),
})
export type Resource = z.infer<typeof Resource>

export const NewResource = Resource.omit({ id: true, createdAt: true })
  .extend({ apiVersion: ApiVersion.nullable().default(null) })
  .strict()
  .refine((it) => (it.apiStyle === 'azure-dated') === (it.apiVersion !== null), {
    path: ['apiVersion'],
    error: 'needed for the API style azure-dated, refused with the others',
  })
export type NewResource = z.infer<typeof NewResource>

export const ResourceChange = Resource.omit({ id: true, createdAt: true }).partial().strict()
export type ResourceChange = z.infer<typeof ResourceChange>

const PerMinute = z.int().min(1).max(1_000_000_000)

/** What the provider grants us at a resource, per minute; deployments draw on it. */
export const Quota = z.object({
  id: QuotaId,
  resourceId: ResourceId,
  name: MachineName,
  requestsPerMinute: PerMinute.nullable(),
  tokensPerMinute: PerMinute.nullable(),
  createdAt: z.iso.datetime({ offset: true }),
})
export type Quota = z.infer<typeof Quota>

export const NewQuota = Quota.omit({ id: true, createdAt: true }).strict()
export type NewQuota = z.infer<typeof NewQuota>

/** A quota stays with its resource. */
export const QuotaChange = Quota.omit({ id: true, resourceId: true, createdAt: true }).partial().strict()
export type QuotaChange = z.infer<typeof QuotaChange>
