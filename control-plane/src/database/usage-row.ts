/** A usage record as Postgres holds it, and back: tokens are columns there, and a part of the record here. */
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { UsageRow } from './tables.ts'

/** A row as the record it was made of. */
export function recordOf(row: UsageRow & { storedXact?: unknown }): UsageRecord {
  const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, storedXact: _, ...rest } = row
  const tokens = {
    input: inputTokens,
    cachedInput: cachedInputTokens,
    output: outputTokens,
    reasoning: reasoningTokens,
  }
  return { ...rest, tokens }
}
