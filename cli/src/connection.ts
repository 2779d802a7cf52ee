/**
 * Which server is meant and which token it gets. A token that was kept for one server is never sent to another, and
 * none travels in plain text over a network.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AdminClient, adminClient } from '@headgate/admin-contract/client'
import type { CliSettings } from './config.ts'
import { freshToken } from './directory-sign-in.ts'
import { CommandFault, wrongUsage } from './exit-codes.ts'
import { managedIdentity } from './managed-identity.ts'
import { readProfiles } from './profiles.ts'

/** The token of this moment. @throws CommandFault when there is none any more */
type Bearer = () => Promise<string>

export type Connection = {
  /** Without a slash at the end. */
  readonly server: string
  /** Null when nobody has signed in. */
  readonly bearer: Bearer | null
  /** Where both come from, for `status` and faults. */
  readonly from: string
}

const DEFAULT_SERVER = 'http://127.0.0.1:7401'

type Wanted = { readonly server: string | null; readonly profile: string | null }

/**
 * In this order: `--server` and HEADGATE_URL, the profile, what `npm start` left in this folder, the usual address.
 * @throws CommandFault when it cannot be right
 */
export async function findConnection(
  settings: CliSettings,
  wanted: Wanted,
  stop: AbortSignal,
): Promise<Connection> {
  const kept = (await profileOf(settings, wanted.profile, stop)) ?? (await firstRunOf(settings))
  const said = wanted.server ?? settings.server
  const server = originOf(said ?? kept?.server ?? DEFAULT_SERVER)
  const own = kept !== null && originOf(kept.server) === server ? kept : null
  const given = givenBearer(settings, stop)
  const bearer = given ?? own?.bearer ?? null
  const from =
    given === null && own !== null ? own.from : said === null ? 'the usual address' : 'what was said'
  if (bearer !== null) refusePlainText(server)
  return { server, bearer, from }
}

/** What the environment says goes before what is kept. */
function givenBearer({ token, environment }: CliSettings, stop: AbortSignal): Bearer | null {
  return token === null ? managedIdentity(environment, stop) : async () => token
}

type Kept = { readonly server: string; readonly bearer: Bearer; readonly from: string }

async function profileOf(
  { configDir, stateDir, profile }: CliSettings,
  flag: string | null,
  stop: AbortSignal,
): Promise<Kept | null> {
  const { use, profiles } = await readProfiles(configDir)
  const named = flag ?? profile
  const name = named ?? use
  if (name === null) return null
  const found = profiles[name]
  if (found !== undefined) {
    const bearer =
      'token' in found
        ? async () => found.token
        : () => freshToken(found.signIn, { stateDir, profile: name }, stop)
    return { server: found.server, bearer, from: `profile ${name}` }
  }
  const names = Object.keys(profiles).join(', ') || 'none'
  if (named !== null)
    throw wrongUsage(
      `There is no profile "${name}" (there are: ${names}). Make it: headgate login --profile ${name}`,
    )
  return null
}

/** What an evaluation left for scripts; not there, or not whole, it counts as nothing. */
async function firstRunOf({ dataDir }: CliSettings): Promise<Kept | null> {
  const path = join(dataDir, 'first-run.json')
  try {
    const it = JSON.parse(await readFile(path, 'utf8')) as { adminApi?: string; adminToken?: string }
    if (typeof it.adminApi !== 'string' || typeof it.adminToken !== 'string') return null
    const { adminApi, adminToken } = it
    return { server: adminApi.replace(/\/api\/v1\/?$/, ''), bearer: async () => adminToken, from: path }
  } catch {
    return null
  }
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '')
    throw wrongUsage(
      `The server is an address such as https://admin.example.com; not "${text.replace(/\/\/.*@/, '//…@')}"`,
    )
  return `${url.origin}${url.pathname.replace(/\/(api\/v1\/?)?$/, '')}`
}

function refusePlainText(server: string): void {
  const { protocol, hostname } = new URL(server)
  if (protocol === 'https:' || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return
  throw wrongUsage(`${server} is plain HTTP: the token would be readable on the way. Use https://.`)
}

/** The typed client, with faults that say what to do. @param stop ends what is under way */
export function connect({ server, bearer, from }: Connection, stop: AbortSignal): AdminClient {
  return adminClient({
    origin: server,
    fetch: async (address, request) => {
      if (bearer === null) throw signedOut(server)
      const headers = new Headers(request?.headers)
      headers.set('authorization', `Bearer ${await bearer()}`)
      try {
        const signals = [stop, ...(request?.signal ? [request.signal] : [])]
        return await fetch(address, {
          ...request,
          headers,
          redirect: 'error',
          signal: AbortSignal.any(signals),
        })
      } catch (fault) {
        throw stop.aborted ? fault : unreachable(server, from, fault)
      }
    },
  })
}

function signedOut(server: string): CommandFault {
  return new CommandFault(
    'signedOut',
    `There is no token for ${server}: run headgate login, or set HEADGATE_TOKEN.`,
  )
}

function unreachable(server: string, from: string, fault: unknown): CommandFault {
  const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new CommandFault(
    'failed',
    `${server} (from ${from}) cannot be reached: ${reason}. Is it running? Another address: --server or HEADGATE_URL.`,
    { cause: fault },
  )
}
