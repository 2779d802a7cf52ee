/**
 * The directory: an OpenID provider that people sign in with. Its addresses and keys are read when they are first
 * needed and kept, so that we start while it is away. The code flow with PKCE, state and nonce is openid-client's; the
 * signature of the id token is checked besides.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import * as oidc from 'openid-client'
import type { DirectoryConfig } from '../directory-settings.ts'
import { accessTokens, type Verified } from './access-token.ts'
import { type Person, personOf, refuseForeignTenant, tenantsOf } from './person.ts'

const TIMEOUT_SECONDS = 10
/** With these the directory says that somebody is none of its own any more, or must show it anew. */
const LET_GO: ReadonlySet<string> = new Set([
  'invalid_grant',
  'interaction_required',
  'login_required',
  'consent_required',
  'access_denied',
])

/** What a browser takes along to the provider, and must bring back. */
export type Departure = { readonly state: string; readonly nonce: string; readonly codeVerifier: string }

/** Who somebody is, and what the directory is asked with when it is asked again; null where it gave nothing for that. */
export type Confirmed = { readonly person: Person; readonly refreshToken: string | null }

/** How a programme without a secret signs people in; null where that is not set up. */
export type CliSignIn = { issuer: string; client_id: string; scope: string; resource: string | null } | null

export type Directory = {
  readonly issuer: string
  readonly cliSignIn: CliSignIn
  /** Where to send a browser that wants to sign in. @throws AdminProblem when the provider cannot be reached */
  begin(): Promise<Departure & { readonly url: string }>
  /** Who came back. @throws AdminProblem `unauthenticated` when it was not who left, `forbidden` for a foreign tenant */
  finish(query: string, left: Departure): Promise<Confirmed>
  /**
   * What the directory says of somebody now; null when it lets them go.
   * @throws AdminProblem `directory_unavailable` when it cannot be asked
   */
  confirm(refreshToken: string): Promise<Confirmed | null>
  /** Who an access token speaks for, and until when; null when it is not good. */
  verify(token: string): Promise<Verified | null>
}

/**
 * @param nowMs the clock that access tokens are judged by
 * @param asksAgain whether what it is asked again with can be kept
 */
export function directoryOf(config: DirectoryConfig, nowMs: () => number, asksAgain: boolean): Directory {
  const redirectUri = `${config.adminUrl}/sign-in/callback`
  const provider = kept(() => discover(config))
  const verifier = kept(async () => accessTokens(config, (await provider()).serverMetadata().jwks_uri, nowMs))
  return {
    issuer: config.issuer,
    cliSignIn: cliSignInOf(config),
    begin: async () => {
      const server = await provider()
      const codeVerifier = oidc.randomPKCECodeVerifier()
      const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
      const url = oidc.buildAuthorizationUrl(server, {
        redirect_uri: redirectUri,
        scope: asksAgain ? 'openid profile offline_access' : 'openid profile',
        code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...{ state, nonce },
      })
      return { url: url.href, state, nonce, codeVerifier }
    },
    finish: async (query, { state, nonce, codeVerifier }) => {
      const server = await provider()
      const told = await oidc
        .authorizationCodeGrant(server, new URL(`${redirectUri}?${query}`), {
          pkceCodeVerifier: codeVerifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        })
        .catch((fault: unknown) => {
          throw notSignedIn(fault)
        })
      return confirmedBy(told, config)
    },
    confirm: async (refreshToken) => {
      const server = await provider()
      const told = await oidc.refreshTokenGrant(server, refreshToken).catch((fault: unknown) => {
        if (fault instanceof oidc.ResponseBodyError && LET_GO.has(fault.error)) return null
        throw unavailable(fault)
      })
      if (told === null) return null
      // Without saying who it is, it says nothing that could be taken over.
      if (told.claims() === undefined) throw unavailable(new Error('no id token came with the refresh'))
      const { person, refreshToken: next } = confirmedBy(told, config)
      return { person, refreshToken: next ?? refreshToken }
    },
    verify: async (token) => (await verifier())(token),
  }
}

/** Entra ID says in the scope what a token is for, others in the resource (RFC 8707). */
function cliSignInOf(config: DirectoryConfig): CliSignIn {
  const { issuer, cliClientId, audiences } = config
  if (cliClientId === null) return null
  const audience = audiences.find((it) => it.includes('://')) ?? audiences[0] ?? ''
  const isEntra = config.tenants !== null || tenantsOf(config).length > 0
  return isEntra
    ? { issuer, client_id: cliClientId, scope: `${audience}/.default offline_access`, resource: null }
    : { issuer, client_id: cliClientId, scope: 'openid profile offline_access', resource: audience }
}

type Told = Pick<oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers, 'claims' | 'refresh_token'>

function confirmedBy(told: Told, config: DirectoryConfig): Confirmed {
  const claims = told.claims()
  if (claims !== undefined) refuseForeignTenant(claims, config)
  const person = claims === undefined ? null : personOf(claims, config)
  if (person === null) throw notSignedIn(undefined)
  return { person, refreshToken: told.refresh_token ?? null }
}

function discover({
  issuer,
  clientId,
  clientSecret,
  allowHttp,
}: DirectoryConfig): Promise<oidc.Configuration> {
  const metadata = { client_secret: clientSecret, id_token_signed_response_alg: 'RS256' }
  const execute = [oidc.enableNonRepudiationChecks, ...(allowHttp ? [oidc.allowInsecureRequests] : [])]
  const auth = oidc.ClientSecretPost(clientSecret)
  return oidc
    .discovery(new URL(issuer), clientId, metadata, auth, { execute, timeout: TIMEOUT_SECONDS })
    .catch((fault: unknown) => {
      throw unavailable(fault)
    })
}

/** Kept once it is there; a failure is not. */
function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make().catch((fault: unknown) => {
      made = null
      throw fault
    })
    return made
  }
}

function unavailable(cause: unknown): AdminProblem {
  return new AdminProblem(
    'directory_unavailable',
    'The directory that people sign in with cannot be asked right now.',
    { cause },
  )
}

function notSignedIn(cause: unknown): AdminProblem {
  return new AdminProblem('unauthenticated', 'You were not signed in. Begin again at /sign-in.', { cause })
}
