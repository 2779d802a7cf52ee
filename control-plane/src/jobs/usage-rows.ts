/**
 * Usage records as rows. One statement takes a batch of any size: each column travels as one array, which
 * Postgres prepares once, and a row that is there already is passed over.
 */
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import { arrayLiteral } from '../database/array-literal.ts'
import type { Database } from '../database/open.ts'
import type { UsageRow } from '../database/tables.ts'

type Column = {
  readonly name: keyof UsageRow
  readonly type: 'text' | 'int8' | 'bool' | 'timestamptz' | 'jsonb'
  readonly of: (it: UsageRecord) => unknown
}

const columns: readonly Column[] = [
  { name: 'requestId', type: 'text', of: (it) => it.requestId },
  { name: 'attempt', type: 'int8', of: (it) => it.attempt },
  { name: 'startedAt', type: 'timestamptz', of: (it) => it.startedAt },
  { name: 'keyId', type: 'text', of: (it) => it.keyId },
  { name: 'userId', type: 'text', of: (it) => it.userId },
  { name: 'appId', type: 'text', of: (it) => it.appId },
  { name: 'teamId', type: 'text', of: (it) => it.teamId },
  { name: 'endpoint', type: 'text', of: (it) => it.endpoint },
  { name: 'alias', type: 'text', of: (it) => it.alias },
  { name: 'deploymentId', type: 'text', of: (it) => it.deploymentId },
  { name: 'resourceId', type: 'text', of: (it) => it.resourceId },
  { name: 'upstreamModel', type: 'text', of: (it) => it.upstreamModel },
  { name: 'stream', type: 'bool', of: (it) => it.stream },
  { name: 'status', type: 'int8', of: (it) => it.status },
  { name: 'outcome', type: 'text', of: (it) => it.outcome },
  { name: 'errorCode', type: 'text', of: (it) => it.errorCode },
  { name: 'inputTokens', type: 'int8', of: (it) => it.tokens.input },
  { name: 'cachedInputTokens', type: 'int8', of: (it) => it.tokens.cachedInput },
  { name: 'outputTokens', type: 'int8', of: (it) => it.tokens.output },
  { name: 'reasoningTokens', type: 'int8', of: (it) => it.tokens.reasoning },
  { name: 'usageDetails', type: 'jsonb', of: (it) => it.usageDetails && JSON.stringify(it.usageDetails) },
  { name: 'serviceTier', type: 'text', of: (it) => it.serviceTier },
  { name: 'usageSource', type: 'text', of: (it) => it.usageSource },
  { name: 'costNanos', type: 'int8', of: (it) => it.costNanos },
  { name: 'costState', type: 'text', of: (it) => it.costState },
  { name: 'currency', type: 'text', of: (it) => it.currency },
  { name: 'priceId', type: 'text', of: (it) => it.priceId },
  { name: 'agreementId', type: 'text', of: (it) => it.agreementId },
  { name: 'requestBytes', type: 'int8', of: (it) => it.requestBytes },
  { name: 'replyBytes', type: 'int8', of: (it) => it.replyBytes },
  { name: 'overheadMicros', type: 'int8', of: (it) => it.overheadMicros },
  { name: 'firstByteMs', type: 'int8', of: (it) => it.firstByteMs },
  { name: 'totalMs', type: 'int8', of: (it) => it.totalMs },
  { name: 'catalogVersion', type: 'int8', of: (it) => it.catalogVersion },
  { name: 'upstreamRequestId', type: 'text', of: (it) => it.upstreamRequestId },
  { name: 'secretNumber', type: 'int8', of: (it) => it.secretNumber },
  { name: 'client', type: 'text', of: (it) => it.client },
  { name: 'clientTag', type: 'text', of: (it) => it.clientTag },
  { name: 'shadowRefusal', type: 'jsonb', of: (it) => it.shadowRefusal && JSON.stringify(it.shadowRefusal) },
]

/**
 * Inserts the records, all or none; those that are there already are left as they are.
 * @returns the records that were really inserted, each once
 */
export async function insertUsage(db: Database, records: readonly UsageRecord[]): Promise<UsageRecord[]> {
  const names = sql.join(columns.map((column) => sql.ref(column.name)))
  const arrays = sql.join(
    columns.map((column) => sql`${arrayLiteral(records.map(column.of))}::${sql.raw(column.type)}[]`),
  )
  const { rows } = await sql<Pick<UsageRecord, 'requestId' | 'attempt'>>`
    insert into usage_records (${names}) select * from unnest(${arrays})
    on conflict (started_at, request_id, attempt) do nothing
    returning request_id, attempt`.execute(db)
  if (rows.length === records.length) return [...records]
  const inserted = new Set(rows.map(identityOf))
  // Of records that came twice in one batch, the first one was inserted.
  return records.filter((record) => inserted.delete(identityOf(record)))
}

function identityOf(it: Pick<UsageRecord, 'requestId' | 'attempt'>): string {
  return `${it.requestId} ${it.attempt}`
}

/** Keeps a record that the table refused, as JSON text, where the escapes stay escapes. */
export async function insertDeadLetter(db: Database, record: UsageRecord, reason: string): Promise<void> {
  await db
    .insertInto('usageDeadLetters')
    .values({
      requestId: printable(String(record.requestId), 64),
      attempt: printable(String(record.attempt), 32),
      reason: printable(reason, 1000),
      record: JSON.stringify(record),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Postgres takes no NUL and no half of a surrogate pair, and a record is refused for just such things. */
function printable(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[^\x20-\x7e]/g, '?')
}
