/**
 * Whether the directory still says of somebody what it said when they signed in. It is asked again with a refresh token,
 * which is kept sealed and bound to its session, and used by one process at a time: one that is used twice counts as
 * stolen. While the directory is away a session goes on, up to an age.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { Claims } from '@headgate/domain/role-mapping'
import { type SessionRules, sessionAge } from '@headgate/domain/session'
import { commitChange, type Home } from '../change.ts'
import {
  endSession,
  type FoundSession,
  keepConfirmation,
  leaseCheck,
  readConfirmation,
  readSession,
} from '../resources/sessions/queries.ts'
import type { Confirmed, Directory } from './directory.ts'

/** Longer than a directory is waited for. After a failure it is asked again no sooner. */
const LEASE_MS = 30_000

export type Confirming = {
  readonly home: Home
  readonly directories: readonly Directory[]
  readonly rules: SessionRules
}

/** What the refresh token of a session is sealed under. */
export function sealName(sessionId: string): string {
  return `refresh token of ${sessionId}`
}

/**
 * What the directory says of the owner of a session, as far as it was asked lately.
 * @returns null when the session has ended over it
 * @throws AdminProblem `directory_unavailable` when it was not to be asked for too long
 */
export async function confirmed(
  confirming: Confirming,
  session: FoundSession & { readonly claims: Claims },
): Promise<Claims | null> {
  const { home, rules } = confirming
  const nowMs = home.clock.nowMs()
  const age = sessionAge(Date.parse(session.checkedAt), nowMs, rules)
  if (age === 'fresh') return session.claims
  const refreshToken = openToken(home, session)
  const directory = confirming.directories.find((it) => it.issuer === session.issuer)
  if (refreshToken === null || directory === undefined)
    return age === 'stale' ? end(home, session, 'the directory cannot be asked again') : session.claims
  const until = new Date(nowMs + LEASE_MS).toISOString()
  const isOurs = await leaseCheck(home.db, session, { now: new Date(nowMs).toISOString(), until })
  if (!isOurs) return saidMeanwhile(home, session, age)
  return ask({ home, session, age }, () => directory.confirm(refreshToken))
}

/** A token that does not open, because its key is gone, is none. */
function openToken({ sealer }: Home, { id, sealedRefreshToken }: FoundSession): string | null {
  if (sealedRefreshToken === null || sealer === null) return null
  try {
    return sealer.open(sealName(id), sealedRefreshToken)
  } catch {
    return null
  }
}

type Asking = {
  readonly home: Home
  readonly session: FoundSession & { readonly claims: Claims }
  readonly age: 'due' | 'stale'
}

async function ask(
  { home, session, age }: Asking,
  confirm: () => Promise<Confirmed | null>,
): Promise<Claims | null> {
  let told: Confirmed | null
  try {
    told = await confirm()
  } catch (fault) {
    if (!(fault instanceof AdminProblem) || fault.code !== 'directory_unavailable') {
      const reason = fault instanceof Error ? fault.message : String(fault)
      home.log('warn', 'a session could not be confirmed', { sessionId: session.id, reason })
      return end(home, session, 'the directory tells of somebody else')
    }
    home.log('warn', 'the directory cannot be asked whether a session goes on', { sessionId: session.id })
    return whileAway(age, session)
  }
  if (told === null) return end(home, session, 'the directory let its owner go')
  // Whoever the token speaks for now is who signed in, or it is nobody.
  if (told.person.actor !== session.actor) return end(home, session, 'the directory tells of somebody else')
  const { claims } = told.person
  const sealed = told.refreshToken && home.sealer?.seal(sealName(session.id), told.refreshToken)
  const checkedAt = new Date(home.clock.nowMs()).toISOString()
  await keepConfirmation(home.db, session.id, { claims, sealedRefreshToken: sealed || null, checkedAt })
  return claims
}

/** Somebody else asks right now, or has asked since the session was read. */
async function saidMeanwhile(
  home: Home,
  session: FoundSession & { readonly claims: Claims },
  age: 'due' | 'stale',
): Promise<Claims | null> {
  const now = await readConfirmation(home.db, session.id)
  if (now === undefined) return null
  return now.claims !== null && now.checkedAt !== session.checkedAt ? now.claims : whileAway(age, session)
}

/** Until the directory was asked, what it said last holds for so long and no longer. */
function whileAway(age: 'due' | 'stale', { claims }: { readonly claims: Claims }): Claims {
  if (age === 'due') return claims
  throw new AdminProblem(
    'directory_unavailable',
    'The directory could not be asked for so long that your session does not go on without it. Try again soon.',
  )
}

/** Ended by nobody but the directory, and noted as such. */
async function end(home: Home, { id, actor }: FoundSession, reason: string): Promise<null> {
  const intent = { actor, action: 'session.ended', requestId: id, changesCatalog: false }
  await commitChange(home, intent, async ({ db, now }) => {
    const before = await readSession(db, id)
    if (before === undefined || before.endedAt !== null) return { changed: false, reply: null }
    await endSession(db, id, now)
    return {
      changed: true,
      reply: null,
      subjectId: id,
      before: { endedAt: null },
      after: { endedAt: now, reason },
    }
  })
  return null
}
