/** Requests as lists and streams tell them: what people look at first, with names beside ids. */
import type { RequestEntry } from '@headgate/admin-contract/requests'
import type { UsageRecord } from '@headgate/domain/usage-record'

type Names = ReadonlyMap<string, string>

/** Puts what its owner is called now beside an id; null for null. */
export function namer(names: Names): (id: string | null) => { id: string; name: string | null } | null {
  return (id) => (id === null ? null : { id, name: names.get(id) ?? null })
}

/** Each record as an entry, in their order. */
export function entriesOf(records: readonly UsageRecord[], names: Names): RequestEntry[] {
  const named = namer(names)
  return records.map((it) => ({
    ...{ startedAt: it.startedAt, requestId: it.requestId, attempt: it.attempt },
    ...{ status: it.status, outcome: it.outcome, errorCode: it.errorCode },
    ...{ team: named(it.teamId), app: named(it.appId), user: named(it.userId), key: named(it.keyId) },
    ...{ clientTag: it.clientTag, endpoint: it.endpoint, alias: it.alias, upstreamModel: it.upstreamModel },
    ...{ deployment: named(it.deploymentId), resource: named(it.resourceId), stream: it.stream },
    ...{ tokens: it.tokens, usageSource: it.usageSource },
    ...{ costNanos: it.costNanos, costState: it.costState, currency: it.currency },
    ...{ overheadMicros: it.overheadMicros, firstByteMs: it.firstByteMs, totalMs: it.totalMs },
  }))
}
