/** A provider for tests that need deployments and call none of them. */
import type { AdminClient } from '@headgate/admin-contract/client'

/** Makes a resource. @returns its id */
export async function newResource(client: AdminClient): Promise<string> {
  const secretRef = 'env://KEY' as never
  const body = { name: 'r', apiStyle: 'openai' as const, origin: 'https://api.openai.com', secretRef }
  return (await client.resources.create({ body })).id
}

/** Makes a resource with a small and a large model. @returns the ids of the deployments */
export async function twoDeployments(client: AdminClient): Promise<{ mini: string; large: string }> {
  const resourceId = await newResource(client)
  const deploy = async (name: string, upstreamModel: string) =>
    (await client.deployments.create({ body: { name, resourceId, upstreamModel } })).id
  return { mini: await deploy('mini', 'gpt-4o-mini'), large: await deploy('large', 'gpt-4o') }
}
