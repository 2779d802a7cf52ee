/**
 * Rotations in the admin API: a new secret takes the place of an old one, and for a time of grace both work.
 * The key stays, and with it its limits, its policies and its records.
 */
import { KeyRotation, KeyRotationChange, KeySecret, NewKeyRotation } from '@headgate/domain/key-secret'
import { z } from 'zod'
import { Instant } from './instant.ts'
import { operation } from './operation.ts'

/** A rotation just begun, with the one copy of the new secret. */
export const KeyRotationWithSecret = KeyRotation.extend({
  secret: z.string().meta({ description: 'The new secret itself. Shown this once; keep it now.' }),
})

/** What one client did with one secret of a key. */
export const KeyClient = z.object({
  secretNumber: z.int().min(1),
  lastFour: z.string().nullable(),
  stage: KeySecret.shape.stage.nullable(),
  /** What it calls itself in `User-Agent`; null when it does not. */
  client: z.string().nullable(),
  calls: z.int().min(0),
  refused: z.int().min(0),
  firstAt: z.iso.datetime({ offset: true }),
  lastAt: z.iso.datetime({ offset: true }),
})
export type KeyClient = z.infer<typeof KeyClient>

const current = '/keys/{keyId}/rotations/current'

export const keyRotations = {
  create: operation({
    method: 'POST',
    path: '/keys/{keyId}/rotations',
    right: 'keys.write',
    audit: 'key-rotation.created',
    changesCatalog: false,
    status: 201,
    summary:
      'Makes a new secret for a key, now or for a later time, and shows it, once. The old one goes on for a time of grace.',
    body: NewKeyRotation,
    reply: KeyRotationWithSecret,
  }),
  read: operation({
    method: 'GET',
    path: current,
    right: 'keys.read',
    summary: 'Reads the last rotation of a key: scheduled, in its time of grace, or lately ended.',
    reply: KeyRotation,
  }),
  change: operation({
    method: 'PATCH',
    path: current,
    right: 'keys.write',
    audit: 'key-rotation.changed',
    changesCatalog: false,
    status: 200,
    summary: 'Makes the time of grace longer or shorter, or moves a rotation that has not begun.',
    body: KeyRotationChange,
    reply: KeyRotation,
  }),
  end: operation({
    method: 'DELETE',
    path: current,
    right: 'keys.write',
    audit: 'key-rotation.ended',
    changesCatalog: false,
    status: 200,
    summary:
      'Ends the time of grace now, so that only the new secret works; or calls off a rotation that has not begun.',
    reply: KeyRotation,
  }),
  clients: operation({
    method: 'GET',
    path: '/keys/{keyId}/clients',
    right: 'keys.read',
    summary: 'Counts the calls that came with each secret of a key while it was rotated, by client.',
    query: z.strictObject({
      from: Instant.optional().meta({
        description: 'Calls since this instant; the last 24 hours if left out.',
      }),
    }),
    reply: z.object({ from: z.iso.datetime(), data: z.array(KeyClient), truncated: z.boolean() }),
  }),
}
