/** What the admin API does with what the secrets audit finds: shows it, and moves it to stored secrets. */
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { secretFindings } from '@headgate/admin-contract/secrets'
import { fingerprintOf } from '@headgate/domain/fingerprint'
import { literalSecrets, randomWords } from '@headgate/domain/literal-secret'
import { sql } from 'kysely'
import { insertStoredSecret } from '../../database/stored-secrets.ts'
import { found, type HandlerContext, notFound } from '../context.ts'
import { isMovableFrom, scanForSecrets, scannedColumns } from './scan.ts'

export const secretFindingsHandlers: Handlers<typeof secretFindings, HandlerContext> = {
  list: (_, { db, digestKey }) => scanForSecrets(db, digestKey),
  move: async ({ body: { table, column, id } }, context) => {
    const { db } = context
    // Only what the audit looks at: names of columns that come from outside are no SQL of ours.
    const place = (await scannedColumns(db)).find(
      (it) => it.table === table && it.column === column && it.hasId,
    )
    if (place === undefined || column === 'id') throw notFound()
    if (!isMovableFrom(table))
      throw new AdminProblem(
        'conflict',
        'This is history and stays as it is: change the secret at its provider.',
      )
    const { rows } = await sql<{ text: string; type: string }>`
      select ${sql.ref(column)}::text as text, pg_typeof(${sql.ref(column)})::text as type
      from ${sql.table(table)} where id = ${id} for update`.execute(db)
    const row = found(rows[0])
    const secrets = [...new Set([...literalSecrets(row.text), ...randomWords(row.text)])]
    // The longest first: one may stand within another.
    secrets.sort((a, b) => b.length - a.length)
    let { text } = row
    const moved: { ref: string; fingerprint: string }[] = []
    for (const secret of secrets) {
      if (!text.includes(secret)) continue
      const stored = await store(secret, context)
      text = text.replaceAll(secret, stored.ref)
      moved.push({ ref: stored.ref, fingerprint: stored.fingerprint })
    }
    if (moved.length === 0) return { changed: false, reply: { moved } }
    await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${castTo(row.type, text)} where id = ${id}`.execute(
      db,
    )
    const about = { table, column, moved }
    return { changed: true, reply: { moved }, subjectId: id, before: null, after: about }
  },
}

function castTo(type: string, text: string) {
  if (type === 'jsonb' || type === 'json') return sql`${text}::jsonb`
  return type === 'text[]' ? sql`${text}::text[]` : sql`${text}`
}

async function store(value: string, { db, newId, now, digestKey, sealer }: HandlerContext) {
  if (sealer === null)
    throw new AdminProblem('conflict', 'No sealing key is set: set HEADGATE_SEALING_KEY, then move it.')
  const id = newId('sec')
  const name = `found-${id.slice(4).toLowerCase()}`
  const sealed = { sealed: sealer.seal(name, value), sealedUnder: sealer.keyId }
  const fingerprint = fingerprintOf(value, digestKey)
  return insertStoredSecret(db, {
    id,
    name,
    version: 1,
    fingerprint,
    createdAt: now,
    rotatedAt: now,
    ...sealed,
  })
}
