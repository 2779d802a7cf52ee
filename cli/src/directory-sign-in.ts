/**
 * Signing in with the directory from a shell, by device code (RFC 8628): a code is shown, and typed in a browser, on
 * this machine or another. The directory gives tokens to this programme itself; our server never sees the refresh token.
 */
import type * as oidc from 'openid-client'
import { z } from 'zod'
import { type DirectoryTokens, keepTokens, readTokens, withLock } from './directory-tokens.ts'
import { CommandFault, wrongUsage } from './exit-codes.ts'

const TIMEOUT_SECONDS = 10
/** A token is refreshed this long before it ends, so that it does not end on its way. */
const AHEAD_MS = 60_000
const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/

/** Loaded by whoever speaks with a directory: every other command begins sooner without it. */
const library = () => import('openid-client')

/** A directory as the server tells of it. */
export const SignInWay = z.strictObject({
  issuer: z.url(),
  clientId: z.string().min(1),
  scope: z.string().min(1),
  /** What the access token is to be good for, where the scope does not say it (RFC 8707). */
  resource: z.string().min(1).nullable(),
})
export type SignInWay = z.infer<typeof SignInWay>

const Ways = z.object({
  ways: z.array(
    z
      .object({ issuer: z.url(), client_id: z.string(), scope: z.string(), resource: z.string().nullable() })
      .transform(({ client_id: clientId, ...rest }) => SignInWay.parse({ ...rest, clientId })),
  ),
})

/** How people sign in at a server. @param wanted the issuer, where there are several */
export async function askWay(server: string, wanted: string | null, stop: AbortSignal): Promise<SignInWay> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_SECONDS * 1000)])
  const answer = await fetch(`${server}/sign-in/cli`, { signal, redirect: 'error' }).catch(
    (fault: unknown) => {
      if (stop.aborted) throw fault
      throw new CommandFault('failed', `${server} cannot be reached. Is it running?`, { cause: fault })
    },
  )
  const parsed = Ways.safeParse(answer.ok ? await answer.json().catch(() => null) : null)
  const ways = parsed.success ? parsed.data.ways : []
  if (ways.length === 0)
    throw new CommandFault(
      'failed',
      `Nobody signs in by device code at ${server}: it has no HEADGATE_OIDC_CLI_CLIENT_ID. Use a token: --token-file.`,
    )
  const issuers = ways.map((it) => it.issuer).join(', ')
  const found = wanted === null ? ways : ways.filter((it) => it.issuer === wanted)
  const [way, another] = found
  if (way === undefined) throw wrongUsage(`--issuer is one of ${issuers}; not "${wanted}"`)
  if (another !== undefined) throw wrongUsage(`Say which directory knows you: --issuer, one of ${issuers}`)
  return way
}

/**
 * Shows the code and waits until it was typed.
 * @param say hears what the person is to do
 * @throws CommandFault when they said no, or took too long
 */
export async function signInByCode(
  way: SignInWay,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<DirectoryTokens> {
  const [client, provider] = [await library(), await discover(way)]
  const begun = await client
    .initiateDeviceAuthorization(provider, { scope: way.scope, ...resourceOf(way) })
    .catch((fault: unknown) => {
      throw refused(way, fault)
    })
  say(`Open ${begun.verification_uri} in a browser and type this code: ${begun.user_code}`)
  if (begun.verification_uri_complete !== undefined) say(`Or open ${begun.verification_uri_complete}`)
  say('Go on only if you have just asked for this yourself. Waiting; Ctrl-C ends it.')
  const told = await client
    .pollDeviceAuthorizationGrant(provider, begun, resourceOf(way), { signal: stop })
    .catch((fault: unknown) => {
      if (stop.aborted) throw fault
      throw refused(way, fault)
    })
  return tokensOf(told, null)
}

/**
 * An access token that is good for a while yet.
 * @throws CommandFault `signedOut` when the directory wants to see the person again
 */
export async function freshToken(
  way: SignInWay,
  { stateDir, profile }: { stateDir: string; profile: string },
  stop: AbortSignal,
): Promise<string> {
  const kept = await readTokens(stateDir, profile)
  if (kept !== null && isFresh(kept)) return kept.accessToken
  return withLock(stateDir, stop, async () => {
    // Another programme may have had it refreshed meanwhile.
    const now = await readTokens(stateDir, profile)
    if (now !== null && isFresh(now)) return now.accessToken
    if (now === null || now.refreshToken === null) throw signedOut(profile)
    const [client, provider] = [await library(), await discover(way)]
    const told = await client
      .refreshTokenGrant(provider, now.refreshToken, resourceOf(way))
      .catch((fault: unknown) => {
        if (answerIn(fault) !== null) throw signedOut(profile)
        throw unreachable(way, fault)
      })
    const tokens = tokensOf(told, now.refreshToken)
    await keepTokens(stateDir, profile, tokens)
    return tokens.accessToken
  })
}

/** Tells the directory that a refresh token is good no more, where it listens. */
export async function revoke(way: SignInWay, refreshToken: string): Promise<void> {
  const [client, provider] = [await library(), await discover(way)]
  if (provider.serverMetadata().revocation_endpoint === undefined) return
  await client.tokenRevocation(provider, refreshToken, { token_type_hint: 'refresh_token' })
}

function isFresh({ expiresAt }: DirectoryTokens): boolean {
  return Date.parse(expiresAt) - AHEAD_MS > Date.now()
}

function tokensOf(told: oidc.TokenEndpointResponse, refreshToken: string | null): DirectoryTokens {
  const { access_token: accessToken, expires_in: seconds = 300, refresh_token: next } = told
  const expiresAt = new Date(Date.now() + seconds * 1000).toISOString()
  return { accessToken, expiresAt, refreshToken: next ?? refreshToken }
}

function resourceOf({ resource }: SignInWay): Record<string, string> {
  return resource === null ? {} : { resource }
}

async function discover(way: SignInWay): Promise<oidc.Configuration> {
  const isLocal = LOOPBACK.test(way.issuer)
  if (!isLocal && !way.issuer.startsWith('https:'))
    throw new CommandFault('failed', `The directory ${way.issuer} is plain HTTP; nobody signs in there.`)
  const client = await library()
  const execute = isLocal ? [client.allowInsecureRequests] : []
  const options = { execute, timeout: TIMEOUT_SECONDS }
  return client
    .discovery(new URL(way.issuer), way.clientId, undefined, client.None(), options)
    .catch((fault: unknown) => {
      throw unreachable(way, fault)
    })
}

/** The code with which a directory said no; null where it did not answer, or failed itself. */
function answerIn(fault: unknown): string | null {
  const { error, status } = fault as { error?: unknown; status?: unknown }
  return typeof error === 'string' && typeof status === 'number' && status < 500 ? error : null
}

function unreachable({ issuer }: SignInWay, cause: unknown): CommandFault {
  return new CommandFault('failed', `The directory ${issuer} cannot be asked right now. Try again soon.`, {
    cause,
  })
}

/** The codes of RFC 8628 that end it, as sentences. */
function refused(way: SignInWay, fault: unknown): CommandFault {
  const code = answerIn(fault)
  if (code === 'access_denied')
    return new CommandFault('signedOut', 'You said no in the browser: nothing is kept.')
  if (code === 'expired_token')
    return new CommandFault('signedOut', 'The code was not typed in time. Begin again: headgate login')
  if (code === null) return unreachable(way, fault)
  return new CommandFault('failed', `The directory ${way.issuer} refused: ${code}.`, { cause: fault })
}

function signedOut(profile: string): CommandFault {
  return new CommandFault(
    'signedOut',
    `The directory wants to see you again: headgate login --device-code --profile ${profile}`,
  )
}
