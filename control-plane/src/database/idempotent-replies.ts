/**
 * Idempotency keys: a write that is repeated under the same key is answered what the first was answered, and
 * done once. The answer is kept in the transaction of the write, so there is never one without the other; it is
 * sealed under a key made from the pepper, because the answer to a new proxy key holds its secret.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { canonicalJson } from '@headgate/domain/canonical-json'
import type { DigestKey } from '@headgate/domain/ports'
import { sql } from 'kysely'
import type { Database } from './open.ts'

/** How long an answer is kept. */
export const IDEMPOTENCY_HOURS = 24
const FORM = /^[\x21-\x7e]{1,200}$/
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

export type Repeatable = {
  readonly actor: string
  /** As `keys.create`. */
  readonly operation: string
  readonly key: string
  /** All that was asked for, to tell a repeat from another request. */
  readonly request: unknown
}

export type KeptReply = { readonly status: number; readonly body: string }

/** @throws AdminProblem `invalid_request` when it cannot be an idempotency key */
export function checkIdempotencyKey(key: string): void {
  if (FORM.test(key)) return
  throw new AdminProblem('invalid_request', 'Idempotency-Key: expected 1 to 200 visible ASCII characters.', {
    faults: [
      {
        pointer: 'Idempotency-Key',
        code: 'invalid_format',
        message: 'expected 1 to 200 visible ASCII characters',
        fix: 'Send something that never repeats, such as a UUID.',
      },
    ],
  })
}

/**
 * What this request was answered before; null when it is new. Holds the key until the transaction ends.
 * @throws AdminProblem `idempotency_in_progress`, or `idempotency_key_reused` for another request
 */
export async function seekReply(
  db: Database,
  it: Repeatable,
  digestKey: DigestKey,
): Promise<KeptReply | null> {
  const place = canonicalJson([it.actor, it.operation, it.key])
  const taken = await sql<{ taken: boolean }>`
    select pg_try_advisory_xact_lock(7404, hashtext(${place})) as taken`.execute(db)
  if (!taken.rows[0]?.taken) {
    throw new AdminProblem(
      'idempotency_in_progress',
      'The first request with this key has not ended. Try again.',
    )
  }
  const row = await db
    .selectFrom('idempotentReplies')
    .select(['requestDigest', 'status', 'sealedReply'])
    .where('actor', '=', it.actor)
    .where('operation', '=', it.operation)
    .where('key', '=', it.key)
    .where('createdAt', '>', sql<string>`now() - make_interval(hours => ${sql.lit(IDEMPOTENCY_HOURS)})`)
    .executeTakeFirst()
  if (row === undefined) return null
  if (row.requestDigest !== digestKey(canonicalJson(it.request))) {
    throw new AdminProblem(
      'idempotency_key_reused',
      'This key came with another request before. Take a new one.',
    )
  }
  return { status: row.status, body: unseal(row.sealedReply, sealingKey(it, digestKey)) }
}

/** Keeps an answer, over one that is too old to count. */
export async function keepReply(
  db: Database,
  it: Repeatable,
  { digestKey, now, reply }: { digestKey: DigestKey; now: string; reply: KeptReply },
): Promise<void> {
  const { actor, operation, key } = it
  const row = {
    requestDigest: digestKey(canonicalJson(it.request)),
    status: reply.status,
    sealedReply: seal(reply.body, sealingKey(it, digestKey)),
    createdAt: now,
  }
  await db
    .insertInto('idempotentReplies')
    .values({ actor, operation, key, ...row })
    .onConflict((conflict) => conflict.columns(['actor', 'operation', 'key']).doUpdateSet(row))
    .execute()
}

/** One key for each answer, and none without the pepper. */
function sealingKey({ actor, operation, key }: Repeatable, digestKey: DigestKey): Buffer {
  return Buffer.from(digestKey(`idempotent reply ${canonicalJson([actor, operation, key])}`), 'hex')
}

function seal(text: string, key: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

function unseal(sealed: string, key: Buffer): string {
  const bytes = Buffer.from(sealed, 'base64')
  const opened = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
  opened.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  return Buffer.concat([opened.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), opened.final()]).toString(
    'utf8',
  )
}
