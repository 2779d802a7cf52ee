/** A real OpenID provider on a port of its own: people who may change, and a door that may be shut for a while. */
import type { Server } from 'node:http'
import type { DirectoryConfig } from '@headgate/control-plane/directory-settings'
import Provider from 'oidc-provider'
import { freePort } from '../../bench/free-port.ts'

const SECRET = 'a client secret for tests only, 0123456789'
/** Of access tokens for us. */
export const AUDIENCE = 'api://headgate'
/** The programme that people sign in with from a shell; it has no secret. */
const CLI_CLIENT = 'headgate-cli'

export type Account = { roles?: string[]; groups?: string[]; hasgroups?: boolean }

export type TestDirectory = {
  readonly issuer: string
  /** By name; whoever is taken out is disabled. */
  readonly people: Record<string, Account | undefined>
  /** Refresh tokens that were used. */
  readonly refreshed: () => number
  /** As a control plane at this address is told of it. */
  config(adminUrl: string): DirectoryConfig
  /** An access token of a script, for a resource. */
  tokenFor(resource: string): Promise<string>
  /** Nobody answers at its address. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
}

/** @param adminUrl where browsers come back to */
export async function startDirectory(
  adminUrl: string,
  people: Record<string, Account | undefined>,
): Promise<TestDirectory> {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  let refreshed = 0
  const oidc = providerOf(issuer, adminUrl, people)
  oidc.on('grant.success', (context) => {
    refreshed += Number(context.oidc.params?.['grant_type'] === 'refresh_token')
  })
  let server: Server = await listening(oidc, port)
  const goAway = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    issuer,
    people,
    refreshed: () => refreshed,
    config: (adminUrl) => ({
      ...{ issuer, tenants: null, clientId: 'headgate', clientSecret: SECRET, audiences: [AUDIENCE] },
      ...{ cliClientId: CLI_CLIENT, adminUrl, allowHttp: true },
    }),
    tokenFor: async (resource) => {
      const body = {
        grant_type: 'client_credentials',
        client_id: 'headgate',
        client_secret: SECRET,
        resource,
      }
      const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(body) })
      return ((await answer.json()) as { access_token: string }).access_token
    },
    goAway,
    comeBack: async () => {
      server = await listening(oidc, port)
    },
  }
}

function providerOf(issuer: string, adminUrl: string, people: TestDirectory['people']): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'headgate',
        client_secret: SECRET,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['authorization_code', 'client_credentials', 'refresh_token'],
        redirect_uris: [`${adminUrl}/sign-in/callback`],
      },
      {
        client_id: CLI_CLIENT,
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    pkce: { required: () => true },
    // One use each: whoever uses a token twice has stolen it.
    rotateRefreshToken: true,
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    extraTokenClaims: (_, token) => {
      const account = (token as { accountId?: string }).accountId
      return { roles: account === undefined ? ['Headgate.Admin'] : (people[account]?.roles ?? []) }
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****' },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_, client) => (client?.clientId === CLI_CLIENT ? AUDIENCE : []),
        useGrantedResource: () => true,
        getResourceServerInfo: (_, audience) => ({ audience, scope: 'admin', accessTokenFormat: 'jwt' }),
      },
    },
    claims: { openid: ['sub'], profile: ['name', 'roles', 'groups', 'hasgroups'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) =>
      people[id] && { accountId: id, claims: async () => ({ sub: id, name: id, ...people[id] }) },
  })
}

function listening(oidc: Provider, port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = oidc.listen(port, '127.0.0.1', () => resolve(server))
  })
}
