/**
 * A Redis URL says where Redis is and in which of its three forms: one server (`redis://`), a cluster
 * (`redis+cluster://`) or sentinels (`redis+sentinel://…/mastername`); `rediss` instead of `redis` means TLS.
 * Errors here never repeat the URL, because it may hold a password.
 */

export type RedisAddress = { readonly host: string; readonly port: number }

export type RedisTarget = {
  readonly kind: 'single' | 'cluster' | 'sentinel'
  readonly tls: boolean
  readonly addresses: readonly [RedisAddress, ...RedisAddress[]]
  readonly username: string | null
  readonly password: string | null
  /** Database number; 0 for a cluster. */
  readonly database: number
  /** The name sentinels know the primary by; null elsewhere. */
  readonly primaryName: string | null
}

const FORM = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/]*)@)?([^/@]+)(?:\/([^/?#]*))?$/
const FORMS =
  'redis://host:port[/database], rediss://… for TLS, redis+cluster://host:port,host:port or ' +
  'redis+sentinel://host:port,host:port/primary-name; a user and password go before the host as user:password@'
const DEFAULT_PORT = 6379
const DEFAULT_SENTINEL_PORT = 26379

/**
 * Reads a Redis URL.
 * @throws Error that names the expected forms and not what was given
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match = FORM.exec(url.trim())
  if (!match) throw new Error(`The Redis URL is not one we can read. Expected ${FORMS}.`)
  const [, scheme, form, credentials = '', hosts = '', path = ''] = match
  const kind = form === 'cluster' || form === 'sentinel' ? form : 'single'
  const port = kind === 'sentinel' ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT
  const [first, ...more] = hosts.split(',').map((text) => parseAddress(text, port))
  if (first === undefined || (kind === 'single' && more.length > 0))
    throw new Error(`The Redis URL names several hosts; redis:// takes one. Expected ${FORMS}.`)
  if (kind === 'sentinel' && path === '')
    throw new Error('The Redis URL names no primary: redis+sentinel://host:port,host:port/primary-name.')
  if (kind === 'cluster' && path !== '' && path !== '0')
    throw new Error('The Redis URL names a database; a cluster has only one. Leave the path away.')
  return {
    kind,
    tls: scheme === 'rediss',
    addresses: [first, ...more],
    ...parseCredentials(credentials),
    database: kind === 'single' ? parseDatabase(path) : 0,
    primaryName: kind === 'sentinel' ? decode(path) : null,
  }
}

function parseAddress(text: string, defaultPort: number): RedisAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (host === undefined || port < 1 || port > 65_535)
    throw new Error(`The Redis URL has a host that is not host:port. Expected ${FORMS}.`)
  return { host, port }
}

function parseCredentials(text: string): Pick<RedisTarget, 'username' | 'password'> {
  const colon = text.indexOf(':')
  if (text === '') return { username: null, password: null }
  if (colon < 0)
    throw new Error('The Redis URL has a user and no password: write user:password@ or :password@.')
  return { username: decode(text.slice(0, colon)) || null, password: decode(text.slice(colon + 1)) || null }
}

function parseDatabase(path: string): number {
  if (!/^[0-9]{0,5}$/.test(path))
    throw new Error(`The Redis URL has a path that is no database number. Expected ${FORMS}.`)
  return Number(path)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('The Redis URL has a "%" that encodes nothing: write % itself as %25.')
  }
}
