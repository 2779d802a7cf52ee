/**
 * The catalog feed in Redis: one hash with version, checksum and body, and a channel that hints at news.
 * Gateways poll the version, which is a few bytes, and fetch the body only when it has moved on. What comes
 * out of Redis is checked as if a stranger had written it.
 */
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { CatalogFeed, Log } from '@headgate/domain/ports'
import { parseCatalog, sha256 } from '../catalog-text.ts'
import type { RedisClient } from './client.ts'
import { readScript, runScript } from './script.ts'

export type CatalogFeedOptions = {
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  readonly log?: Log
}

/** A catalog feed on a Redis client. Its methods throw what Redis says while it is away. */
export function redisCatalogFeed(client: RedisClient, options: CatalogFeedOptions = {}): CatalogFeed {
  const key = `${options.prefix ?? 'hg:'}catalog`
  const channel = `${key}:hint`
  const script = readScript('publish-catalog')

  async function publish(document: CatalogDocument): Promise<void> {
    const body = JSON.stringify(document)
    const version = String(document.version)
    const taken = await runScript(client, script, { keys: [key], args: [version, sha256(body), body] })
    if (taken === 1) await client.send(channel, ['PUBLISH', channel, version])
    else options.log?.('warn', 'A catalog was not published: one as new or newer is there', { version })
  }

  async function newerThan(version: number): Promise<CatalogDocument | null> {
    const current = Number((await client.send(key, ['HGET', key, 'version'])) ?? 0)
    if (!(current > version)) return null
    const reply = await client.send(key, ['HMGET', key, 'sha256', 'body'])
    const [checksum, body] = Array.isArray(reply) ? reply : []
    if (typeof checksum !== 'string' || typeof body !== 'string' || sha256(body) !== checksum)
      throw new Error('the published catalog is damaged: its checksum does not match; publish it again')
    const document = parseCatalog(body)
    return document.version > version ? document : null
  }

  return { publish, newerThan, onHint: (hint) => client.subscribe(channel, hint) }
}
