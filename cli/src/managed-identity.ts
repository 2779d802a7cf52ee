/**
 * A token for automation that runs in Azure and has an identity there, so that no token need be kept anywhere. Asked for
 * the audience that the environment names, and nothing that a server says: a token for another is none of its business.
 */
import { z } from 'zod'
import type { Environment } from './config.ts'
import { CommandFault } from './exit-codes.ts'

const TIMEOUT_MS = 10_000
const AHEAD_MS = 60_000
/** The metadata service of virtual machines. */
const MACHINE = 'http://169.254.169.254/metadata/identity/oauth2/token'

const Told = z.object({
  access_token: z.string().min(1),
  /** Seconds since 1970, as text at some hosts. */
  expires_on: z.coerce.number().int().positive(),
})

/** Null when the environment does not ask for it. The token is kept as long as the programme runs. */
export function managedIdentity(environment: Environment, stop: AbortSignal): (() => Promise<string>) | null {
  const audience = environment['HEADGATE_MANAGED_IDENTITY_AUDIENCE'] || null
  if (audience === null) return null
  let kept: { token: string; untilMs: number } | null = null
  return async () => {
    if (kept !== null && kept.untilMs - AHEAD_MS > Date.now()) return kept.token
    const told = await ask(requestFor(audience, environment), stop)
    kept = { token: told.access_token, untilMs: told.expires_on * 1000 }
    return kept.token
  }
}

type Asking = { readonly url: string; readonly headers: Readonly<Record<string, string>> }

/** Of an app host where it says so (App Service, Functions, Container Apps), else of the machine. */
function requestFor(audience: string, environment: Environment): Asking {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: secret, AZURE_CLIENT_ID: clientId } = environment
  const isApp = Boolean(endpoint && secret)
  const query = new URLSearchParams({
    'api-version': isApp ? '2019-08-01' : '2018-02-01',
    resource: audience,
    ...(clientId ? { client_id: clientId } : {}),
  })
  const headers: Record<string, string> = isApp ? { 'x-identity-header': secret ?? '' } : { metadata: 'true' }
  return { url: `${isApp ? endpoint : MACHINE}?${query}`, headers }
}

async function ask({ url, headers }: Asking, stop: AbortSignal): Promise<z.infer<typeof Told>> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)])
  const answer = await fetch(url, { headers, signal, redirect: 'error' }).catch((fault: unknown) => {
    if (stop.aborted) throw fault
    throw new CommandFault(
      'signedOut',
      'There is no managed identity here: HEADGATE_MANAGED_IDENTITY_AUDIENCE is for programmes that run in Azure.',
      { cause: fault },
    )
  })
  const parsed = Told.safeParse(answer.ok ? await answer.json().catch(() => null) : null)
  if (parsed.success) return parsed.data
  throw new CommandFault(
    'signedOut',
    `The managed identity was refused a token (${answer.status}): is HEADGATE_MANAGED_IDENTITY_AUDIENCE the audience of the admin API, and AZURE_CLIENT_ID an identity of this host?`,
  )
}
