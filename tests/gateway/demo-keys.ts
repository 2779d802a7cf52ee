/** The keys that tests of the gateway call with: one for every state a key can be in, and for every kind of limit. */
import { KeyRecord, mintKey } from '@headgate/domain/proxy-key'
import type { DemoCatalog } from './demo-catalog.ts'

const DAY_MS = 86_400_000

export type DemoKeys = {
  readonly records: readonly KeyRecord[]
  /** May use everything, without limits. */
  readonly normal: string
  /** Two requests at once, eight a minute. */
  readonly fewRequests: string
  /** 4 000 tokens a minute, a quarter of them at once. */
  readonly fewTokens: string
  /** Limits far above what a test uses, so that their headers can be seen. */
  readonly limited: string
  readonly zero: string
  readonly expired: string
  readonly revoked: string
  readonly disabled: string
  /** The key itself may use `gpt-4o` and `gpt-4o-mini` only. */
  readonly twoModels: string
  /** Its app may use `gpt-4o` only. */
  readonly narrowApp: string
  /** Well formed, and known to nobody. */
  readonly unknown: string
}

/** Mints all of them anew. */
export function demoKeys(catalog: DemoCatalog, digest: (key: string) => string, nowMs: number): DemoKeys {
  const records: KeyRecord[] = []
  const mint = (name: string, changes: Partial<KeyRecord> = {}): string => {
    const key = mintKey('test')
    const id = `key_01HEADGATETESTKEYS${String(records.length).padStart(8, '0')}`.slice(0, 30)
    records.push(
      KeyRecord.parse({
        id: id.replaceAll(/[ILOU]/g, '0'),
        name,
        teamId: catalog.teamId,
        appId: catalog.appId,
        userId: null,
        state: 'active',
        allowedModels: null,
        requestsPerMinute: null,
        tokensPerMinute: null,
        digest: digest(key),
        expiresAtMs: null,
        ...changes,
      }),
    )
    return key
  }
  return {
    records,
    normal: mint('normal'),
    fewRequests: mint('few requests', { requestsPerMinute: 8 }),
    fewTokens: mint('few tokens', { tokensPerMinute: 4000 }),
    limited: mint('limited', { requestsPerMinute: 1_000_000, tokensPerMinute: 100_000_000 }),
    zero: mint('zero', { requestsPerMinute: 0 }),
    expired: mint('expired', { expiresAtMs: nowMs - DAY_MS }),
    revoked: mint('revoked', { state: 'revoked' }),
    disabled: mint('disabled', { state: 'disabled' }),
    twoModels: mint('two models', { allowedModels: ['gpt-4o', 'gpt-4o-mini'] }),
    narrowApp: mint('narrow app', { appId: catalog.narrowAppId }),
    unknown: mintKey('test'),
  }
}

/** The records of the keys with this name. */
export function recordsNamed(keys: DemoKeys, name: string): [KeyRecord] {
  return keys.records.filter((it) => it.name === name) as [KeyRecord]
}
