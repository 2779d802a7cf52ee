/**
 * Stored secrets in the admin API: values go in and never come out. Also what the secrets audit finds in columns
 * where no secret belongs, and how it is moved to where it does.
 */
import { NewSecretValue, NewStoredSecret, StoredSecret } from '@headgate/domain/stored-secret'
import { z } from 'zod'
import { operation } from './operation.ts'
import { listQuery, NamePart, pageOf } from './page.ts'

const one = '/secrets/{secretId}'
const writes = { right: 'secrets.write', changesCatalog: true } as const

export const secrets = {
  list: operation({
    method: 'GET',
    path: '/secrets',
    right: 'secrets.read',
    summary: 'Lists stored secrets: names, fingerprints and ages, never values.',
    query: listQuery(['created_at', 'name', 'rotated_at'], { q: NamePart }),
    reply: pageOf(StoredSecret),
  }),
  create: operation({
    ...writes,
    method: 'POST',
    path: '/secrets',
    audit: 'secret.created',
    status: 201,
    summary: 'Stores a secret, sealed under a key outside the database. Write its `ref` into `secret_ref`.',
    body: NewStoredSecret,
    takesSecret: true,
    reply: StoredSecret,
  }),
  read: operation({
    method: 'GET',
    path: one,
    right: 'secrets.read',
    summary: 'Reads what is known of one stored secret, not its value.',
    reply: StoredSecret,
  }),
  rotate: operation({
    ...writes,
    method: 'POST',
    path: `${one}/rotations`,
    audit: 'secret.rotated',
    status: 200,
    summary:
      'Gives a stored secret a new value. Gateways use it as soon as they have the catalog that follows.',
    body: NewSecretValue,
    takesSecret: true,
    reply: StoredSecret,
  }),
  remove: operation({
    ...writes,
    method: 'DELETE',
    path: one,
    audit: 'secret.removed',
    status: 200,
    summary: 'Removes a stored secret that no resource refers to.',
    reply: StoredSecret,
  }),
  reseal: operation({
    ...writes,
    method: 'POST',
    path: '/secrets/resealing',
    audit: 'secret.resealed',
    status: 200,
    summary: 'Seals every stored secret under the first key of HEADGATE_SEALING_KEY.',
    reply: z.object({ resealed: z.int(), sealedUnder: z.string() }),
  }),
}

const Place = z.object({ table: z.string(), column: z.string(), id: z.string().nullable() })

export const SecretFinding = Place.extend({
  /** `credential` has the form of one; `random` is a long word too random to be a name. */
  kind: z.enum(['credential', 'random']),
  fingerprint: z.string(),
  length: z.int(),
  /** Whether it can be moved here; what is history cannot. */
  isMovable: z.boolean(),
})
export type SecretFinding = z.infer<typeof SecretFinding>

const PlaceName = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/)

export const secretFindings = {
  list: operation({
    method: 'GET',
    path: '/secret-findings',
    right: 'secrets.find',
    summary: 'Looks through every text and JSON column of the database for what looks like a secret.',
    reply: z.object({
      data: z.array(SecretFinding),
      tables: z.int(),
      columns: z.int(),
      /** False where more was found than is told, or not all was read. */
      isComplete: z.boolean(),
      /** What there was no time for: columns of many million rows. */
      unread: z.array(Place.pick({ table: true, column: true })),
    }),
  }),
  move: operation({
    method: 'POST',
    path: '/secret-findings/move',
    right: 'secrets.write',
    audit: 'secret-finding.moved',
    changesCatalog: true,
    status: 200,
    summary:
      'Seals what was found in one place as stored secrets and leaves references there. Then change them at the provider.',
    body: z.strictObject({ table: PlaceName, column: PlaceName, id: z.string().max(64) }),
    reply: z.object({ moved: z.array(z.object({ ref: z.string(), fingerprint: z.string() })) }),
  }),
}
