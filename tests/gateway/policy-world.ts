/** Puts policies in force at a running gateway, and the ids of whom and what they may speak of. */
import type { CatalogDocument } from '@headgate/domain/catalog'
import { idSource } from '@headgate/domain/id'
import { NewPolicy, Policy } from '@headgate/domain/policy'
import { recordsNamed } from './demo-keys.ts'
import type { TestGateway } from './harness.ts'
import { send } from './raw-client.ts'

const CREATED_AT = '2026-01-01T00:00:00Z'

export type Said = Partial<Omit<Policy, 'id' | 'createdAt'>>

export type PolicyWorld = {
  /** The document the gateway began with. */
  readonly document: CatalogDocument
  /** The id of the resource spoken to in this style. */
  resourceId(style: string): string
  readonly owners: {
    readonly key: string
    readonly app: string
    readonly team: string
    readonly organisation: null
  }
  /** From the next call on these policies hold and no others. */
  putPolicies(...said: readonly Said[]): Promise<Policy[]>
}

/** @param keyName the demo key whose owners are meant */
export async function policyWorld(gateway: TestGateway, keyName = 'normal'): Promise<PolicyWorld> {
  let document: CatalogDocument | undefined
  await gateway.publish((it) => (document = it))
  if (document === undefined) throw new Error('the gateway has no catalog')
  const whole = document
  const [key] = recordsNamed(gateway.keys, keyName)
  const newId = idSource()
  return {
    document: whole,
    resourceId: (style) => whole.resources.find((it) => it.apiStyle === style)?.id ?? '',
    owners: { key: key.id, app: key.appId, team: key.teamId, organisation: null },
    putPolicies: async (...said) => {
      const policies = said.map((it, index) =>
        Policy.parse({
          ...NewPolicy.parse({ name: `Policy ${index}`, ownerId: null }),
          ...{ id: newId('pol', Date.now()), createdAt: CREATED_AT },
          ...it,
        }),
      )
      const version = await gateway.publish((it) => ({ ...it, policies }))
      await untilServed(gateway, version)
      return policies
    },
  }
}

/** Asked of the metrics, because policies may refuse every call. */
async function untilServed(gateway: TestGateway, version: number): Promise<void> {
  const untilMs = performance.now() + 10_000
  const wanted = `headgate_config_version ${version}\n`
  while (performance.now() < untilMs) {
    const metrics = await send(gateway.opsOrigin, { method: 'GET', path: '/metrics' })
    if (metrics.body.toString().includes(wanted)) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`catalog ${version} is not served after 10 s`)
}
