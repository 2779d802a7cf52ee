/** All upstreams, on one screen. */
import type { ApiStyle } from '@headgate/domain/resource'
import { azureDated, azureV1 } from './azure-openai.ts'
import { openai } from './openai.ts'
import type { Upstream } from './upstream.ts'

export const upstreams: Readonly<Record<ApiStyle, Upstream>> = {
  openai,
  'azure-v1': azureV1,
  'azure-dated': azureDated,
}
