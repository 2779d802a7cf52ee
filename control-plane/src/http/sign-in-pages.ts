/**
 * Where browsers sign in and out: to the provider and back, and the link that evaluation prints at its start. What is
 * given out is a new session each time; a browser that comes back must be the one that left.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { LIFE_MS, type Session } from '@headgate/domain/session'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { commitChange, type Home } from '../change.ts'
import { digestOf } from '../database/digest.ts'
import { endSession, insertSession, keepSignIn, takeSignIn } from '../resources/sessions/queries.ts'
import { sealName } from './confirm-session.ts'
import { cookieIn, cookieName, setCookie } from './cookies.ts'
import type { Directory } from './directory.ts'
import { accessFrom } from './find-actor.ts'
import { noteRefused } from './note-refused.ts'
import { chooseDirectoryPage, contentPolicy } from './pages.ts'
import type { Person } from './person.ts'
import type { Credentials, SignIn } from './sign-in.ts'

const SIGN_IN_SECONDS = 600

export type SignInPlan = {
  readonly home: Home
  readonly signIn: SignIn
  readonly adminUrl: string
  /** None when nobody can sign in with one. */
  readonly directories: readonly Directory[]
  /** What the link of evaluation holds, good for one use; null outside evaluation. */
  readonly bootstrapCode: string | null
  readonly credentialsOf: (request: FastifyRequest) => Credentials
}

/** Adds the pages to the server. */
export function addSignIn(server: FastifyInstance, plan: SignInPlan): void {
  server.get('/sign-in', (request, reply) => leave(plan, request, reply))
  // Nothing in it is a secret: it is what a browser sees when it signs in.
  server.get('/sign-in/cli', async (_, reply) =>
    reply.send({ ways: plan.directories.map((it) => it.cliSignIn).filter((it) => it !== null) }),
  )
  server.get('/sign-in/callback', (request, reply) => comeBack(plan, request, reply))
  let bootstrapDigest = plan.bootstrapCode === null ? null : Buffer.from(digestOf(plan.bootstrapCode))
  server.get('/sign-in/bootstrap', async (request, reply) => {
    const { code } = request.query as { code?: unknown }
    const isRight =
      bootstrapDigest !== null &&
      typeof code === 'string' &&
      timingSafeEqual(Buffer.from(digestOf(code)), bootstrapDigest)
    if (!isRight) {
      await noteRefused(plan.home, request.id, 'a sign-in link that is used or none')
      throw new AdminProblem('unauthenticated', 'This link was used, or is none. Start anew for another.')
    }
    bootstrapDigest = null
    const person = { actor: 'first admin', called: 'first admin', claims: null }
    await giveSession(plan, { person, requestId: request.id, issuer: null, refreshToken: null }, reply)
    return reply.redirect('/', 303)
  })
  server.post('/sign-out', async (request, reply) => {
    const by = await plan.signIn(plan.credentialsOf(request), 'POST')
    const { credentialId, name: actor } = by
    if (by.credential !== 'session' || credentialId === null)
      throw new AdminProblem('invalid_request', 'This is no browser session.')
    const intent = { actor, action: 'session.ended', requestId: request.id, changesCatalog: false }
    await commitChange(plan.home, intent, async ({ db, now }) => {
      const after = await endSession(db, credentialId, now)
      return { changed: true, reply: null, subjectId: credentialId, before: null, after }
    })
    return reply.header('set-cookie', setCookie(cookieName('headgate', plan.adminUrl), '', 0)).send({})
  })
}

async function leave(plan: SignInPlan, request: FastifyRequest, reply: FastifyReply) {
  const { home, adminUrl, directories } = plan
  const { return_to: returnTo, with: chosen } = request.query as { return_to?: unknown; with?: unknown }
  const [only, ...more] = directories
  if (only === undefined)
    throw new AdminProblem(
      'not_found',
      'Nobody can sign in here: set HEADGATE_OIDC_ISSUER and what goes with it.',
    )
  const directory =
    more.length === 0 ? only : directories[directories.findIndex((_, at) => String(at) === chosen)]
  if (directory === undefined) {
    const html = chooseDirectoryPage(directories, safePath(returnTo))
    return reply
      .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': contentPolicy })
      .send(html)
  }
  const { url, ...departure } = await directory.begin()
  const secret = randomBytes(32).toString('base64url')
  const expiresAt = new Date(home.clock.nowMs() + SIGN_IN_SECONDS * 1000).toISOString()
  const { issuer } = directory
  const row = { ...departure, issuer, digest: digestOf(secret), returnTo: safePath(returnTo), expiresAt }
  await keepSignIn(home.db, row, new Date(home.clock.nowMs()).toISOString())
  const cookie = setCookie(cookieName('headgate-sign-in', adminUrl), secret, SIGN_IN_SECONDS)
  return reply.header('set-cookie', cookie).redirect(url, 303)
}

/** A path of ours and nothing that a browser could take for another host. */
function safePath(path: unknown): string {
  return typeof path === 'string' && /^\/(?![/\\])[\w\-./?=&%~]{0,500}$/.test(path) ? path : '/'
}

async function comeBack(plan: SignInPlan, request: FastifyRequest, reply: FastifyReply) {
  const { home, adminUrl, directories } = plan
  const name = cookieName('headgate-sign-in', adminUrl)
  const secret = cookieIn(request.headers.cookie, name)
  const left =
    secret && (await takeSignIn(home.db, digestOf(secret), new Date(home.clock.nowMs()).toISOString()))
  const directory = left ? directories.find((it) => it.issuer === left.issuer) : undefined
  if (directory === undefined || !left) {
    await noteRefused(plan.home, request.id, 'a sign-in that was not begun in this browser')
    throw new AdminProblem(
      'unauthenticated',
      'This sign-in was not begun in this browser, or too long ago. Begin again at /sign-in.',
    )
  }
  const { person, refreshToken } = await directory
    .finish(request.url.split('?')[1] ?? '', left)
    .catch(async (fault: unknown) => {
      await noteRefused(plan.home, request.id, 'the directory did not confirm a sign-in')
      throw fault
    })
  await refuseWithoutRole(home, person, request.id)
  const welcome = { person, requestId: request.id, issuer: directory.issuer, refreshToken }
  await giveSession(plan, welcome, reply)
  return reply.redirect(left.returnTo, 303)
}

/** Nobody is let in to find every door shut; the reason is told at the first one. */
async function refuseWithoutRole(home: Home, person: Person, requestId: string): Promise<void> {
  const { grants } = await accessFrom(home, person)
  if (grants.length > 0) return
  const { actor } = person
  const intent = { actor, action: 'session.refused', requestId, changesCatalog: false }
  const after = { reason: 'no role mapping applies' }
  await commitChange(home, intent, async () => {
    return { changed: true, reply: null, subjectId: actor.slice(-64), before: null, after }
  })
  throw new AdminProblem(
    'forbidden',
    'You are known to the directory, but none of your app roles or groups has a role here. Ask an admin for a role mapping.',
  )
}

type Welcome = {
  readonly person: Pick<Person, 'actor' | 'called'> & { readonly claims: Person['claims'] | null }
  readonly requestId: string
  /** Of the directory; null where there is none. */
  readonly issuer: string | null
  readonly refreshToken: string | null
}

async function giveSession(
  { home, adminUrl }: SignInPlan,
  { person, requestId, issuer, refreshToken }: Welcome,
  reply: FastifyReply,
): Promise<void> {
  const secret = randomBytes(32).toString('base64url')
  const intent = { actor: person.actor, action: 'session.created', requestId, changesCatalog: false }
  await commitChange(home, intent, async ({ db, newId, now, nowMs }) => {
    const session: Session = {
      id: newId('ses'),
      actor: person.actor,
      name: person.called,
      createdAt: now,
      seenAt: now,
      expiresAt: new Date(nowMs + LIFE_MS).toISOString(),
    }
    const sealed = refreshToken && home.sealer?.seal(sealName(session.id), refreshToken)
    await insertSession(db, {
      ...{ ...session, digest: digestOf(secret), claims: person.claims, issuer, checkedAt: now },
      sealedRefreshToken: sealed || null,
    })
    return { changed: true, reply: null, subjectId: session.id, before: null, after: session }
  })
  reply.header('set-cookie', [
    setCookie(cookieName('headgate', adminUrl), secret, LIFE_MS / 1000),
    setCookie(cookieName('headgate-sign-in', adminUrl), '', 0),
  ])
}
