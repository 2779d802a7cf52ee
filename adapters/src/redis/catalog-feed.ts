/**
 * The catalog feed in Redis: one hash with version, checksum and body, and a channel that hints at news.
 * Gateways poll the version, which is a few bytes, and fetch the body only when it has moved on. What comes
 * out of Redis is checked as if a stranger had written it.
 */
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { CatalogFeed, GatewayStamp, Log } from '@headgate/domain/ports'
import { parseCatalog, sha256 } from '../catalog-text.ts'
import type { RedisClient } from './client.ts'
import { readScript, runScript } from './script.ts'

/** A gateway says something every few seconds, so one that was silent for so long is gone. */
const FORGOTTEN_MS = 10 * 60_000

export type CatalogFeedOptions = {
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
  readonly log?: Log
}

/** A catalog feed on a Redis client. Its methods throw what Redis says while it is away. */
export function redisCatalogFeed(client: RedisClient, options: CatalogFeedOptions = {}): CatalogFeed {
  const key = `${options.prefix ?? 'hg:'}catalog`
  const channel = `${key}:hint`
  const seen = `${key}:gateways`
  const script = readScript('publish-catalog')

  async function publish(document: CatalogDocument): Promise<void> {
    const body = JSON.stringify(document)
    const version = String(document.version)
    const taken = await runScript(client, script, { keys: [key], args: [version, sha256(body), body] })
    if (taken === 1) await client.send(channel, ['PUBLISH', channel, version])
    else if (taken !== 2)
      options.log?.('warn', 'A catalog was not published: another as new or newer is there', { version })
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

  async function acknowledge(gatewayId: string, version: number | null): Promise<void> {
    if (version === null) await client.send(seen, ['HDEL', seen, gatewayId])
    else await client.send(seen, ['HSET', seen, gatewayId, `${version} ${Date.now()}`])
  }

  async function gateways(): Promise<GatewayStamp[]> {
    const reply = await client.send(seen, ['HGETALL', seen])
    const stamps = stampsOf(reply)
    const lost = stamps.filter((it) => it.seenAtMs < Date.now() - FORGOTTEN_MS).map((it) => it.gatewayId)
    if (lost.length > 0) await client.send(seen, ['HDEL', seen, ...lost])
    return stamps.filter((it) => !lost.includes(it.gatewayId))
  }

  return {
    ...{ publish, newerThan, acknowledge, gateways },
    onHint: (hint) => client.subscribe(channel, hint),
  }
}

/** A hash as a flat list or as a map, as the protocol version has it; what has not our form is passed over. */
function stampsOf(reply: unknown): GatewayStamp[] {
  const entries: [string, string][] = Array.isArray(reply)
    ? reply.flatMap((it, index) => (index % 2 === 0 ? [[String(it), String(reply[index + 1])]] : []))
    : Object.entries((reply ?? {}) as Record<string, string>)
  return entries.flatMap(([gatewayId, text]) => {
    const match = /^(\d{1,15}) (\d{1,15})$/.exec(text)
    return match === null ? [] : [{ gatewayId, version: Number(match[1]), seenAtMs: Number(match[2]) }]
  })
}
