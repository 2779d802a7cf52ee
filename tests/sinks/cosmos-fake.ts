/**
 * Speaks of Cosmos DB what the official SDK asks when usage is written and read: databases, containers, batches within
 * a partition, query plans and queries, over TLS, with the signature of each request checked. It holds to the
 * limits of the service, and fails where a test says so. It shows our use of the SDK and the wire, not Azure itself.
 */
import { createHmac } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { selfSigned } from '../servers/self-signed.ts'

const REQUEST_BYTES_MAX = 2 * 1024 * 1024
const OPERATIONS_MAX = 100
const BAD_ID = /[/\\?#]/

export type Item = Readonly<Record<string, unknown>> & { readonly id: string; readonly partition: string }

/** What happens to a batch: it is served, answered with an error, or the connection breaks before or after it is written. */
export type Fate =
  | 'serve'
  | 'cut'
  | 'write-then-cut'
  | 'write-then-hang'
  | { readonly status: number; readonly retryAfterMs?: number; readonly onItem?: string }

export type CosmosFake = {
  readonly endpoint: string
  /** Trusts its certificate. */
  readonly agent: Agent
  /** By partition and id: what there is. */
  readonly items: Map<string, Item>
  /** How often each was written. */
  readonly writes: Map<string, number>
  /** Batches that came, whatever became of them. */
  readonly batches: { readonly partition: string; readonly ids: readonly string[] }[]
  /** Headers of everything that came. */
  readonly authorizations: string[]
  container: { partitionKey: { paths: string[]; kind: string }; defaultTtl?: number } | null
  /** Decides on each batch. */
  fate: (ids: readonly string[]) => Fate | Promise<Fate>
  /** Nobody answers at all. */
  down: boolean
  close(): Promise<void>
}

export type FakePlan = {
  /** In base64, as keys of accounts are; requests must be signed with it. */
  readonly key: string
  /** What tokens of identities are taken for good. */
  readonly token?: string
}

const CONTAINER = '/dbs/headgate/colls/usage'

export async function startCosmosFake(plan: FakePlan): Promise<CosmosFake> {
  const server = createServer({ key: selfSigned.key, cert: selfSigned.certificate })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const fake: CosmosFake = {
    endpoint: `https://localhost:${port}`,
    agent: new Agent({ ca: selfSigned.certificate, keepAlive: true }),
    items: new Map(),
    writes: new Map(),
    batches: [],
    authorizations: [],
    container: { partitionKey: { paths: ['/partition'], kind: 'Hash' }, defaultTtl: -1 },
    fate: () => 'serve',
    down: false,
    close: async () => {
      fake.agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.on('request', (request, response) => void serve(fake, plan, request, response))
  return fake
}

async function serve(
  fake: CosmosFake,
  plan: FakePlan,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (fake.down) return void request.socket.destroy()
  const body = await bodyOf(request)
  const authorization = decodeURIComponent(request.headers.authorization ?? '')
  fake.authorizations.push(authorization)
  if (!isSigned(request, authorization, plan)) return refuse(response, 401)
  const path = (request.url ?? '').replace(/\/$/, '')
  const resource = path.replace(/^\/+/, '/')
  if (request.method === 'GET' && resource === CONTAINER) {
    if (fake.container === null) return refuse(response, 404)
    return send(response, 200, { id: 'usage', _rid: 'ZG9jcw==', _self: 'colls/', ...fake.container })
  }
  if (request.method === 'GET' && resource === `${CONTAINER}/pkranges`) {
    const range = { id: '0', minInclusive: '', maxExclusive: 'FF', _rid: 'ZG9jcw==', parents: [] }
    return send(response, 200, { PartitionKeyRanges: [range], _count: 1 })
  }
  if (request.method !== 'POST' || resource !== `${CONTAINER}/docs`) return refuse(response, 404)
  const { headers } = request
  if (headers['x-ms-cosmos-is-query-plan-request'] !== undefined) return send(response, 200, queryPlan)
  if (headers['x-ms-documentdb-isquery'] !== undefined) {
    const [partition] = JSON.parse(String(headers['x-ms-documentdb-partitionkey'] ?? '[]'))
    const found = [...fake.items.values()].filter(
      (it) => partition === undefined || it.partition === partition,
    )
    return send(response, 200, { Documents: found, _count: found.length })
  }
  if (headers['x-ms-cosmos-is-batch-request'] === undefined) return refuse(response, 400)
  await batch(fake, request, body, response)
}

async function batch(
  fake: CosmosFake,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const [partition] = JSON.parse(String(request.headers['x-ms-documentdb-partitionkey']))
  const operations: { operationType: string; resourceBody: Item }[] = JSON.parse(body.toString())
  const ids = operations.map((it) => it.resourceBody.id)
  fake.batches.push({ partition, ids })
  const fate = await fake.fate(ids)
  if (fate === 'cut') return void request.socket.destroy()
  if (typeof fate === 'object' && fate.onItem === undefined)
    return refuse(response, fate.status, fate.retryAfterMs)
  if (body.length > REQUEST_BYTES_MAX) return refuse(response, 413)
  if (operations.length > OPERATIONS_MAX) return refuse(response, 400)
  const statuses = operations.map(({ operationType, resourceBody: it }) => {
    if (typeof fate === 'object' && fate.onItem === it.id) return fate.status
    const isGood = operationType === 'Upsert' && it.partition === partition && !BAD_ID.test(it.id)
    return isGood ? 200 : 400
  })
  const isWhole = statuses.every((status) => status === 200)
  if (isWhole)
    for (const { resourceBody: it } of operations) {
      const place = `${it.partition} ${it.id}`
      fake.items.set(place, it)
      fake.writes.set(place, (fake.writes.get(place) ?? 0) + 1)
    }
  if (fate === 'write-then-cut') return void request.socket.destroy()
  if (fate === 'write-then-hang') return
  const retryAfter = typeof fate === 'object' ? { retryAfterMilliseconds: fate.retryAfterMs } : {}
  send(
    response,
    isWhole ? 200 : 207,
    statuses.map((status) => ({
      ...{ statusCode: isWhole || status !== 200 ? status : 424, requestCharge: 7, eTag: '"0"' },
      ...(status !== 200 && retryAfter),
    })),
  )
}

/** As learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources says. */
function isSigned(request: IncomingMessage, authorization: string, { key, token }: FakePlan): boolean {
  if (authorization.startsWith('type=aad&')) return authorization === `type=aad&ver=1.0&sig=${token}`
  const path = (request.url ?? '').replace(/^\/+|\/+$/g, '')
  const parts = path.split('/')
  const type = parts.length % 2 === 0 ? (parts.at(-2) ?? '') : (parts.at(-1) ?? '')
  const id = parts.length % 2 === 0 ? path : parts.slice(0, -1).join('/')
  const date = String(request.headers['x-ms-date']).toLowerCase()
  const text = `${request.method?.toLowerCase()}\n${type.toLowerCase()}\n${id}\n${date}\n\n`
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  return authorization === `type=master&ver=1.0&sig=${signature}`
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces)
}

function refuse(response: ServerResponse, status: number, retryAfterMs?: number): void {
  const wait = retryAfterMs === undefined ? {} : { 'x-ms-retry-after-ms': String(retryAfterMs) }
  send(
    response,
    status,
    { code: String(status), message: 'refused by the fake: sig=a-part-of-a-secret' },
    wait,
  )
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-ms-request-charge': '1', ...headers })
  response.end(JSON.stringify(body))
}

const queryPlan = {
  partitionedQueryExecutionInfoVersion: 2,
  queryInfo: {
    ...{ distinctType: 'None', top: null, offset: null, limit: null, orderBy: [], orderByExpressions: [] },
    ...{ groupByExpressions: [], groupByAliases: [], aggregates: [], groupByAliasToAggregateType: {} },
    ...{ rewrittenQuery: '', hasSelectValue: false, hasNonStreamingOrderBy: false },
  },
  queryRanges: [{ min: '', max: 'FF', isMinInclusive: true, isMaxInclusive: false }],
}
