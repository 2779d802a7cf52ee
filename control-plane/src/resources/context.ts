/**
 * What a handler may use: the transaction it runs in, the time, new ids, and the few rules that come from the
 * settings. Also the three sentences every handler ends with: found, created, refused.
 */
import type { Change } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { type Access, beyond } from '@headgate/domain/access'
import type { IdPrefix } from '@headgate/domain/id'
import type { SomeSettings } from '@headgate/domain/organisation-setting'
import type { CatalogFeed, DigestKey, Ledger, SecretSealer } from '@headgate/domain/ports'
import type { ReceiverGuard } from '../alerts/receiver-guard.ts'
import type { Database } from '../database/open.ts'
import type { AuditKeeper } from './audit-events/keeper.ts'

/** Who asked, by which credential, and what they may do. */
export type Actor = {
  /** As it stands in audit events. */
  readonly name: string
  /** What people call them. */
  readonly called: string
  readonly credential: 'admin_token' | 'api_token' | 'session' | 'access_token'
  /** The id of the API token or session; null for the others. */
  readonly credentialId: string | null
  readonly access: Access
  /** When the credential ends; null when it does not. */
  readonly expiresAt: string | null
  /** What a write must send besides; null where nothing sends the credential by itself. */
  readonly csrfToken: string | null
}

export type HandlerContext = {
  /** For a write, the transaction that its audit event is written in too. */
  readonly db: Database
  /** Who asked, as audit events call them. */
  readonly actor: string
  /** The same with what they may do; null when a job does it. */
  readonly by: Actor | null
  /** The teams for which they may do this; null is the whole organisation. `db` knows it too. */
  readonly teamIds: readonly string[] | null
  readonly nowMs: number
  /** `nowMs` as text. */
  readonly now: string
  readonly newId: (prefix: IdPrefix) => string
  readonly digestKey: DigestKey
  /** Looks at what limits hold now. */
  readonly ledger: Pick<Ledger, 'look'>
  readonly audit: AuditKeeper
  /** Null where no sealing key is set. */
  readonly sealer: SecretSealer | null
  /** What gateways serve from, as they said last. */
  readonly servingGateways: CatalogFeed['gateways']
  /** What the environment says of the settings of the organisation. */
  readonly fixedSettings: SomeSettings
  /** True where plain-HTTP providers on 127.0.0.1 are allowed. */
  readonly allowLoopbackUpstreams: boolean
  /** Which addresses alerts may be sent to. */
  readonly receiverGuard: ReceiverGuard
  /** Says that the gateways must hear of this key once the change is committed. */
  readonly keyChanged: (keyId: string) => void
}

/** @throws AdminProblem `forbidden` when something would give rights that whoever asks does not have */
export function refuseBeyond({ by }: HandlerContext, wanted: Access): void {
  const more = by === null ? [] : beyond(by.access, wanted)
  if (more.length === 0) return
  throw new AdminProblem('forbidden', `This would give rights that you do not have: ${more.join(', ')}.`, {
    faults: [
      {
        pointer: '/role',
        code: 'beyond_own_rights',
        message: 'it would give more than you have',
        fix: 'Choose a lesser role, fewer teams or fewer rights, or ask somebody who has them.',
      },
    ],
  })
}

/** Who looks after some teams shares out what they have, and does not say how much they have. @throws AdminProblem `forbidden` */
export function refuseForOwnTeam({ teamIds }: HandlerContext, ownerId: string): void {
  if (teamIds === null || !ownerId.startsWith('team_')) return
  throw new AdminProblem('forbidden', 'What a whole team gets is decided for the whole organisation.', {
    faults: [
      {
        pointer: '/owner_id',
        code: 'for_organisation',
        message: 'your role is for single teams',
        fix: 'Send an app, user or key of the team, or ask somebody whose role is for the organisation.',
      },
    ],
  })
}

/** @throws AdminProblem `not_found` for null: what may not be read and what is not there look the same. */
export function found<T>(thing: T | undefined): T {
  if (thing === undefined) throw notFound()
  return thing
}

export function notFound(missing = 'There is nothing with this id, or nothing you may see.'): AdminProblem {
  return new AdminProblem('not_found', missing)
}

/** The change of having created this; it stands in the audit event as it stands in the reply. */
export function created<T extends { id: string }>(thing: T): Change<T> {
  return { changed: true, reply: thing, subjectId: thing.id, before: null, after: thing }
}

/** Which pepper digests are made under. There is one until peppers can be changed. */
export const PEPPER_VERSION = 1

/** Refuses an instant that has passed; null and undefined are none. */
export function refuseThePast(
  pointer: `/${string}`,
  instant: string | null | undefined,
  { nowMs }: HandlerContext,
): void {
  if (instant === null || instant === undefined || Date.parse(instant) > nowMs) return
  throw fieldFault(pointer, {
    code: 'in_the_past',
    message: 'this instant has passed',
    fix: 'Send an instant to come, or null.',
  })
}

/**
 * Whether an act that was shown first is to be done now.
 * @param confirm what was sent; undefined to be shown it
 * @param shown the digest of the effect as it is now
 * @throws AdminProblem `conflict` when another effect was shown
 */
export function confirmed(confirm: string | undefined, shown: string): boolean {
  if (confirm === undefined) return false
  if (confirm === shown) return true
  throw new AdminProblem('conflict', 'What was shown is not what would happen now.', {
    faults: [
      {
        pointer: '/confirm',
        code: 'stale',
        message: 'something changed since this was shown',
        fix: 'Send it without `confirm` to see the effect of now.',
      },
    ],
  })
}

/** Refuses one field of the body (`/name`) or of the query (`?name`). */
export function fieldFault(
  pointer: `/${string}` | `?${string}`,
  fault: { code: string; message: string; fix: string },
): AdminProblem {
  return new AdminProblem('invalid_request', `${pointer.slice(1)}: ${fault.message}.`, {
    faults: [{ pointer, ...fault }],
  })
}
