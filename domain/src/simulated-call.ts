/** A simulated call is the description of a call that nobody makes: who, which model and endpoint, how large, when. */
import type { CallTags } from './call-tag.ts'
import type { EndpointName } from './endpoint.ts'
import type { KeyRecord } from './proxy-key.ts'

export type SimulatedCall = {
  readonly key: KeyRecord
  readonly model: string
  readonly endpoint: EndpointName
  readonly inputTokens: number
  /** The caller's ceiling; null where it names none. */
  readonly outputTokens: number | null
  readonly choices: number
  readonly requestBytes: number
  readonly tags: CallTags
  readonly session: string | null
  readonly atMs: number
}

/** Who calls, as the conditions of routes ask. */
export function keyOf({ key }: SimulatedCall): { readonly teamId: string; readonly appId: string } {
  return { teamId: key.teamId, appId: key.appId }
}

/** A key without a rule of its own, for a call of an app that names no key. */
export function keylessRecord(of: Pick<KeyRecord, 'teamId' | 'appId' | 'userId'>): KeyRecord {
  return {
    ...of,
    ...{ id: `key_${'0'.repeat(26)}`, name: 'any key of this app', state: 'active', allowedModels: null },
    ...{ requestsPerMinute: null, tokensPerMinute: null, digest: '0'.repeat(64), expiresAtMs: null },
    ...{ rotation: null, limits: [], budgets: [] },
  }
}
