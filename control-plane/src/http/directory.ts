/**
 * The directory: the OpenID provider that people sign in with. Its addresses and keys are read when they are first
 * needed and kept, so that we start while it is away. The code flow with PKCE, state and nonce is openid-client's; the
 * signature of the id token is checked besides.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import * as oidc from 'openid-client'
import type { DirectoryConfig } from '../config.ts'
import { accessTokens } from './access-token.ts'
import { type Person, personOf } from './person.ts'

const TIMEOUT_SECONDS = 10

/** What a browser takes along to the provider, and must bring back. */
export type Departure = { readonly state: string; readonly nonce: string; readonly codeVerifier: string }

export type Directory = {
  readonly adminUrl: string
  /** Where to send a browser that wants to sign in. @throws AdminProblem when the provider cannot be reached */
  begin(): Promise<Departure & { readonly url: string }>
  /** Who came back. @throws AdminProblem `unauthenticated` when it was not who left */
  finish(query: string, left: Departure): Promise<Person>
  /** Who an access token speaks for, and until when; null when it is not good. */
  verify(token: string): Promise<{ readonly person: Person; readonly expiresAt: string } | null>
}

/** @param nowMs the clock that access tokens are judged by */
export function directoryOf(config: DirectoryConfig, nowMs: () => number): Directory {
  const { issuer, adminUrl } = config
  const redirectUri = `${adminUrl}/sign-in/callback`
  const provider = kept(() => discover(config))
  const verifier = kept(async () => accessTokens(config, (await provider()).serverMetadata().jwks_uri, nowMs))
  return {
    adminUrl,
    begin: async () => {
      const server = await provider()
      const codeVerifier = oidc.randomPKCECodeVerifier()
      const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
      const url = oidc.buildAuthorizationUrl(server, {
        redirect_uri: redirectUri,
        scope: 'openid profile',
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
      const claims = told.claims()
      const person = claims === undefined ? null : personOf(claims, issuer)
      if (person === null) throw notSignedIn(undefined)
      return person
    },
    verify: async (token) => (await verifier())(token),
  }
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
      throw new AdminProblem(
        'directory_unavailable',
        'The directory that people sign in with cannot be asked right now.',
        {
          cause: fault,
        },
      )
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

function notSignedIn(cause: unknown): AdminProblem {
  return new AdminProblem('unauthenticated', 'You were not signed in. Begin again at /sign-in.', { cause })
}
