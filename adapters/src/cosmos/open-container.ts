/**
 * Opens the container that usage is written to: with the identity of the process, or with a key where one is named; and
 * looks whether it is what we need, before anything is written. Only the endpoint of the settings is ever
 * asked: the regions that an account tells of are not, because our credential would go there.
 */
import type { Agent } from 'node:https'
import type { Container, CosmosClientOptions } from '@azure/cosmos'
import type { TokenCredential } from '@azure/identity'
import { SinkFault } from '@headgate/domain/sink'
import { faultOf, toldBy } from './cosmos-fault.ts'
import { PARTITION_PATH } from './cosmos-item.ts'

const REQUEST_TIMEOUT_MS = 15_000

export type ContainerPlan = {
  /** As `https://account.documents.azure.com`. */
  readonly endpoint: string
  readonly database: string
  readonly container: string
  readonly ttlDays: number | null
  /** The identity of the process when left out. Not used where there is a key. */
  readonly credential?: TokenCredential
  /** For tests on loopback. */
  readonly agent?: Agent
}

/**
 * @param key of the account; null for the identity
 * @throws SinkFault that says what to create or to change
 */
export async function openContainer(
  plan: ContainerPlan,
  key: string | null,
  signal: AbortSignal,
): Promise<Container> {
  const { CosmosClient } = await import('@azure/cosmos')
  const options: CosmosClientOptions = {
    endpoint: plan.endpoint,
    ...(key === null ? { aadCredentials: plan.credential ?? (await ownIdentity()) } : { key }),
    ...(plan.agent && { agent: plan.agent }),
    connectionPolicy: {
      enableEndpointDiscovery: false,
      enableBackgroundEndpointRefreshing: false,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // We wait by ourselves, for all requests together.
      retryOptions: { maxRetryAttemptCount: 0, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 0 },
    },
  }
  const container = new CosmosClient(options).database(plan.database).container(plan.container)
  await judge(container, plan, signal)
  return container
}

async function ownIdentity(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity')
  return new DefaultAzureCredential()
}

async function judge(container: Container, plan: ContainerPlan, abortSignal: AbortSignal): Promise<void> {
  const { resource } = await container.read({ abortSignal }).catch((thrown) => {
    throw faultOf(toldBy(thrown))
  })
  const paths = resource?.partitionKey?.paths ?? []
  if (paths.length !== 1 || paths[0] !== PARTITION_PATH)
    throw new SinkFault(
      `the container ${plan.container} parts by ${paths.join(' and ') || 'nothing'}: create another one with the partition key path ${PARTITION_PATH}`,
    )
  if (plan.ttlDays !== null && resource?.defaultTtl === undefined)
    throw new SinkFault(
      `the container ${plan.container} has no time to live, so items would not be removed: switch it on with a default of -1, or leave out HEADGATE_COSMOS_TTL_DAYS`,
    )
}
