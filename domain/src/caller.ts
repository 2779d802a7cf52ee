/** A caller is who makes a call, once we know: the key, and the app, team and perhaps user behind it. */
import type { KeyRecord } from './proxy-key.ts'

export type Caller = {
  readonly key: KeyRecord
  readonly keyId: string
  readonly userId: string | null
  readonly appId: string
  readonly teamId: string
}

/** The caller behind an active key. */
export function callerOf(key: KeyRecord): Caller {
  return { key, keyId: key.id, userId: key.userId, appId: key.appId, teamId: key.teamId }
}
