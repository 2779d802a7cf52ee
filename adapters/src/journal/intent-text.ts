/**
 * An intent as text: its values in a fixed order, without names. Each call writes one, and a list costs a third
 * of what an object with names does.
 */
import { UsageIntent, UsageProgress } from '@headgate/domain/usage-intent'

const FIELDS = [
  'requestId',
  'attempt',
  'startedAtMs',
  'keyId',
  'userId',
  'appId',
  'teamId',
  'endpoint',
  'alias',
  'deploymentId',
  'resourceId',
  'upstreamModel',
  'stream',
  'requestBytes',
  'catalogVersion',
  'shadowRefusal',
  'inputTokens',
  'serviceTier',
  'costNanos',
  'costState',
  'currency',
  'priceId',
  'agreementId',
  'clientTag',
] as const satisfies readonly (keyof UsageIntent)[]

/** The values in the order of the fields. */
export function intentText(it: UsageIntent): string {
  return JSON.stringify([
    it.requestId,
    it.attempt,
    it.startedAtMs,
    it.keyId,
    it.userId,
    it.appId,
    it.teamId,
    it.endpoint,
    it.alias,
    it.deploymentId,
    it.resourceId,
    it.upstreamModel,
    it.stream,
    it.requestBytes,
    it.catalogVersion,
    it.shadowRefusal,
    it.inputTokens,
    it.serviceTier,
    it.costNanos,
    it.costState,
    it.currency,
    it.priceId,
    it.agreementId,
    it.clientTag,
  ])
}

/** @throws Error when the text is no intent */
export function parseIntent(text: string): UsageIntent {
  const values: unknown = JSON.parse(text)
  if (!Array.isArray(values)) throw new Error('no list')
  return UsageIntent.parse(Object.fromEntries(FIELDS.map((name, index) => [name, values[index]])))
}

/** Null when the text is none: then what is known is the intent alone. */
export function parseProgress(text: string): UsageProgress | null {
  return UsageProgress.safeParse(JSON.parse(text)).data ?? null
}
