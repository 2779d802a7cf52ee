/**
 * The secrets audit: looks through every text and JSON column of every table for what looks like a secret. What is
 * declared to hold digests or sealed values is passed over; nothing else is, so a new column is looked at too.
 */
import type { SecretFinding } from '@headgate/admin-contract/secrets'
import { fingerprintOf } from '@headgate/domain/fingerprint'
import { literalSecrets, randomWords } from '@headgate/domain/literal-secret'
import type { DigestKey } from '@headgate/domain/ports'
import { sql } from 'kysely'
import { databaseFault } from '../../database/fault.ts'
import type { Database } from '../../database/open.ts'

/** Digests, ciphertext and signatures: random on purpose. */
const DECLARED = new Set([
  ...['key_secrets.digest', 'idempotent_replies.request_digest', 'idempotent_replies.sealed_reply'],
  ...[
    'sessions.sealed_refresh_token',
    'secrets.sealed',
    'catalog_versions.checksum',
    'schema_migrations.checksum',
    'usage_exports.sha256',
  ],
  ...['audit_events.hash', 'audit_events.previous_hash', 'audit_head.hash', 'audit_head.signature'],
  ...['audit_segments.first_hash', 'audit_segments.last_hash', 'audit_segments.signature'],
  'audit_segments.removal_signature',
])
/** History: what stands there is proof, or is made anew from other tables. */
const HISTORY = /^(audit_|usage_|catalog_versions$|idempotent_replies$|schema_migrations$)/
/** More of one column would tell nothing more. */
const ROWS_MAX = 200
/** So long one column is looked through, and all together, before the rest is told to be unread. */
const COLUMN_MS = 4_000
const SCAN_MS = 25_000
/** The statement was cancelled, or waited for a lock in vain. */
const TOO_LONG = ['57014', '55P03']
/** Rough, so that Postgres passes over most; what it lets through is judged here. */
const WORTH_A_LOOK =
  '(sk|rk|pk)[-_][A-Za-z0-9]|hg_(live|test|demo)_|whsec_|hooks[.]slack|sig=|SharedAccessKey|eyJ|gh[pos]_|github_pat|glpat-|AKIA|AIza|xox[abprs]-|PRIVATE KEY|://[^ :/@]+:[^ :/@]+@|AccountKey|Bearer|[A-Za-z0-9+_=-]{32}'

export type Column = { readonly table: string; readonly column: string; readonly hasId: boolean }

/** Every text, JSON and text-array column of our own, declared ones left out; of a partitioned table, its root. */
export async function scannedColumns(db: Database): Promise<Column[]> {
  const { rows } = await sql<{ table: string; column: string; hasId: boolean }>`
    select c.relname as table, a.attname as column,
      exists (select from pg_attribute i where i.attrelid = c.oid and i.attname = 'id' and i.atttypid = 'text'::regtype)
        as has_id
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attnum > 0 and not a.attisdropped
      and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text[]'::regtype)
    order by 1, a.attnum`.execute(db)
  return rows.filter(({ table, column }) => !DECLARED.has(`${table}.${column}`))
}

export type Scan = {
  data: SecretFinding[]
  tables: number
  columns: number
  isComplete: boolean
  /** What there was no time for: tables of many million rows. */
  unread: { table: string; column: string }[]
}

/** @param digest what fingerprints are made with */
export async function scanForSecrets(
  db: Database,
  digest: DigestKey,
  { columnMs = COLUMN_MS, scanMs = SCAN_MS } = {},
): Promise<Scan> {
  const columns = await scannedColumns(db)
  const endMs = performance.now() + scanMs
  const data: SecretFinding[] = []
  const unread: Scan['unread'] = []
  let isComplete = true
  for (const it of columns) {
    const rows = await worthALook(db, it, Math.min(columnMs, endMs - performance.now()))
    if (rows === null) unread.push({ table: it.table, column: it.column })
    isComplete &&= rows !== null && rows.length <= ROWS_MAX
    for (const row of rows ?? []) data.push(...findingsIn(it, row, digest))
  }
  const tables = new Set(columns.map((it) => it.table)).size
  return { data, tables, columns: columns.length, isComplete, unread }
}

/** The rows of a column that may hold a secret; null when that takes too long. */
async function worthALook(db: Database, { table, column, hasId }: Column, ms: number) {
  if (ms < 1) return null
  const id = hasId ? sql`id` : sql`null`
  const text = sql`${sql.ref(column)}::text`
  try {
    return await db.transaction().execute(async (transaction) => {
      await sql`select set_config('statement_timeout', ${String(Math.ceil(ms))}, true)`.execute(transaction)
      // The ids that a provider gives requests are long and random, and no secret.
      const found = await sql<{ id: string | null; text: string }>`
        select ${id} as id, ${text} as text from ${sql.table(table)}
        where ${text} ~ ${WORTH_A_LOOK} and ${text} !~ '^req_[0-9a-f]{32}$' limit ${ROWS_MAX + 1}`.execute(
        transaction,
      )
      return found.rows
    })
  } catch (fault) {
    if (TOO_LONG.includes(databaseFault(fault)?.code ?? '')) return null
    throw fault
  }
}

function findingsIn(
  { table, column, hasId }: Column,
  { id, text }: { id: string | null; text: string },
  digest: DigestKey,
): SecretFinding[] {
  const credentials = literalSecrets(text)
  const random = randomWords(text).filter(
    (word) => !credentials.some((it) => it.includes(word) || word.includes(it)),
  )
  const isMovable = hasId && isMovableFrom(table) && column !== 'id'
  const say = (kind: SecretFinding['kind']) => (secret: string) => {
    const fingerprint = fingerprintOf(secret, digest)
    return { table, column, id, kind, fingerprint, length: secret.length, isMovable }
  }
  return [...credentials.map(say('credential')), ...random.map(say('random'))]
}

export function isMovableFrom(table: string): boolean {
  return !HISTORY.test(table) && table !== 'secrets'
}
