/**
 * A whole installation in this process: a control plane on a Postgres of its own, gateways, a provider behind them,
 * and Redis between the planes, which can be told to lose the notifications of news.
 */
import { memoryLedger } from '@headgate/adapters/memory/ledger'
import { redisCallRecords } from '@headgate/adapters/redis/call-records'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis, type RedisClient } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { envSecrets } from '@headgate/adapters/secrets/env'
import { secretResolver } from '@headgate/adapters/secrets/resolver'
import { type DataPlane, startDataPlane } from '@headgate/data-plane/start'
import type { UsageStream } from '@headgate/domain/ports'
import { startFakeUpstream } from '@headgate/fake-upstream/server'
import { digestKey, startTestPlane, systemClock, type TestPlane } from '../admin/harness.ts'
import { PROVIDER_SECRET } from '../gateway/harness.ts'
import { chatBody, open, send } from '../gateway/raw-client.ts'
import { freshRedisUrl } from '../servers/fresh-redis.ts'

const SECRET_NAME = 'LIVE_PROVIDER_KEY'
const log = () => {}

export type LiveWorld = {
  readonly plane: TestPlane
  readonly client: TestPlane['client']
  readonly gateways: readonly DataPlane[]
  readonly redis: RedisClient
  /** Two deployments of one resource. */
  readonly deploymentIds: readonly [string, string]
  readonly teamId: string
  readonly appId: string
  /** A new key of the app. */
  newKey(): Promise<{ id: string; secret: string }>
  /** The status a gateway gives a call with this secret. */
  ask(gateway: DataPlane, secret: string, model?: string): Promise<number>
  /** The catalog version a gateway serves from. */
  versionOf(gateway: DataPlane): Promise<number>
  [Symbol.asyncDispose](): Promise<void>
}

/** @param options.losesHints no gateway hears a notification; news comes by asking alone */
export async function liveWorld({ losesHints = false } = {}): Promise<LiveWorld> {
  await using begun = new AsyncDisposableStack()
  const url = await freshRedisUrl()
  const redis = begun.adopt(await connectRedis(url, { log }), (it) => it.close())
  const feed = redisCatalogFeed(redis, { log })
  const keys = begun.adopt(redisKeyDirectory(redis, { log, clock: systemClock }), (it) => it.close())
  const fake = begun.adopt(await startFakeUpstream({ apiKey: PROVIDER_SECRET, speed: 50 }), (it) =>
    it.close(),
  )
  const ports = { catalogFeed: feed, keyPublisher: keys } as object
  const plane = begun.adopt(await startTestPlane({ ports, allowLoopbackUpstreams: true }), (it) => it.stop())
  const things = await furnish(plane.client, fake.origin)
  const gateways: DataPlane[] = []
  for (let i = 0; i < 2; i++) gateways.push(await openGateway(url, { losesHints, begun }))
  const versionOf = async (gateway: DataPlane) => {
    const metrics = await send(gateway.opsOrigin, { method: 'GET', path: '/metrics' })
    return Number(/^headgate_config_version (\d+)$/m.exec(metrics.body.toString())?.[1])
  }
  const keep = begun.move()
  return {
    ...{ plane, client: plane.client, gateways, redis, versionOf, ...things },
    newKey: () => plane.client.keys.create({ body: { appId: things.appId, name: 'live' } }),
    ask: async (gateway, secret, model = 'steady') => {
      const headers = { authorization: `Bearer ${secret}` }
      return (await send(gateway.origin, { headers, body: chatBody(model) })).status
    },
    [Symbol.asyncDispose]: () => keep.disposeAsync(),
  }
}

/** A team with an app, and the alias `steady` at two deployments. */
async function furnish(client: TestPlane['client'], origin: string) {
  const team = await client.teams.create({ body: { name: 'Live' } })
  const app = await client.apps.create({ body: { teamId: team.id, name: 'live' } })
  const secretRef = `env://${SECRET_NAME}` as never
  const resource = await client.resources.create({
    body: { name: 'provider', apiStyle: 'openai', origin, secretRef },
  })
  const deployment = async (name: string) => {
    const body = { name, resourceId: resource.id, upstreamModel: 'gpt-4o' }
    return (await client.deployments.create({ body })).id
  }
  const deploymentIds: readonly [string, string] = [await deployment('one'), await deployment('two')]
  const alias = await client.modelAliases.create({ body: { name: 'steady' } })
  await client.routes.create({
    body: { aliasId: alias.id, tiers: [deploymentIds.map((deploymentId) => ({ deploymentId }))] },
  })
  return { deploymentIds, teamId: team.id, appId: app.id }
}

type Opening = { readonly losesHints: boolean; readonly begun: AsyncDisposableStack }

async function openGateway(url: string, { losesHints, begun }: Opening): Promise<DataPlane> {
  const redis = begun.adopt(await connectRedis(url, { log }), (it) => it.close())
  const keys = begun.adopt(redisKeyDirectory(redis, { log, clock: systemClock }), (it) => it.close())
  const feed = redisCatalogFeed(redis, { log })
  const gateway = await startDataPlane(
    {
      ...{ host: '127.0.0.1', port: 0, opsPort: 0, dataDir: '', expectedInstances: 2 },
      ...{ allowLoopbackUpstreams: true, drainMs: 200 },
    },
    {
      clock: systemClock,
      catalogFeed: losesHints ? { ...feed, onHint: () => {} } : feed,
      catalogShelf: { load: async () => null, save: async () => {} },
      keys,
      digest: digestKey,
      ledger: memoryLedger(systemClock),
      usage: noUsage,
      callRecords: redisCallRecords(redis),
      secrets: secretResolver({
        sources: { env: envSecrets({ [SECRET_NAME]: PROVIDER_SECRET }) },
        ...{ clock: systemClock, log },
      }),
    },
    log,
  )
  return begun.adopt(gateway, (it) => it.stop())
}

const account = { sending: () => {}, secure: () => {}, progress: () => {}, close: () => {} }
/** These tests look at callers, not at records. */
const noUsage: UsageStream = {
  ...{ full: () => false, intend: () => account, append: () => {}, flush: async () => {} },
  backlog: () => ({ bytes: 0, bytesMax: 1, waiting: 0, unconfirmed: 0, lost: 0, damagedBytes: 0 }),
}

/** Reads a stream to its end. @returns what is wrong with it, null when nothing is */
export async function streamFault(origin: string, secret: string): Promise<string | null> {
  try {
    const headers = { authorization: `Bearer ${secret}` }
    const message = await open(origin, { headers, body: chatBody('steady', { stream: true }) })
    let text = ''
    for await (const piece of message) text += piece
    if (message.statusCode !== 200) return `status ${message.statusCode}: ${text}`
    return text.endsWith('data: [DONE]\n\n') ? null : `cut after ${text.slice(-100)}`
  } catch (fault) {
    return String(fault)
  }
}
