/**
 * The admin server: walks the table of operations and gives each its place, between strict limits and strict
 * headers. What happens within a request is in run-operation.ts; what a fault becomes is in problem.ts.
 */
import { API_ROOT } from '@headgate/admin-contract/index'
import { openApiDocument } from '@headgate/admin-contract/openapi'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { redact } from '@headgate/domain/redaction'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { EventStreams, OpenStream } from './event-streams.ts'
import type { Health } from './health.ts'
import { metricsReader } from './metrics.ts'
import { contentPolicy, homePage, referencePage } from './pages.ts'
import { allPlaces, type Place } from './places.ts'
import { problemBody, toProblem } from './problem.ts'
import { allLists, runList } from './run-list.ts'
import { type InboundRequest, runOperation } from './run-operation.ts'
import type { Credentials } from './sign-in.ts'
import { addSignIn, type SignInPlan } from './sign-in-pages.ts'

const BODY_LIMIT_BYTES = 1024 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 10_000
/** Longer than the usual balancer's idle time, which otherwise meets a closing connection. */
const KEEP_ALIVE_MS = 75_000
const RETRY_AFTER_SECONDS = 5
const PARAM_LENGTH_MAX = 16_384

export type ServerPlan = Omit<SignInPlan, 'credentialsOf'> & {
  readonly health: Health
  readonly streams: EventStreams
  /** Of the product, for the OpenAPI document. */
  readonly version: string
}

/** Makes the server; it listens when `listen` is called on it. */
export function adminServer(plan: ServerPlan): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    // As long as a head may be: what is no id is told by the operation, once it is known who asks.
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    // Ours, so that a caller cannot choose what stands in our log.
    requestIdHeader: false,
    genReqId: () => plan.home.newId('req', plan.home.clock.nowMs()),
    frameworkErrors: (fault, request, reply) => sendProblem(plan, fault, request, reply),
  })
  // Only JSON: a form or a plain text could be sent from a foreign page without the browser asking first.
  server.removeContentTypeParser('text/plain')
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders(request.id))
    if (plan.adminUrl.startsWith('https:')) reply.header('strict-transport-security', 'max-age=31536000')
  })
  server.setErrorHandler((fault, request, reply) => sendProblem(plan, fault, request, reply))
  server.setNotFoundHandler((request, reply) =>
    sendProblem(plan, wrongPlace(server, request), request, reply),
  )
  addOperations(server, plan)
  addSignIn(server, { ...plan, credentialsOf })
  addPages(server, plan)
  addProbes(server, plan)
  return server
}

function addOperations(server: FastifyInstance, plan: ServerPlan): void {
  const places = allPlaces()
  addLists(server, plan, new Map(places.map((place) => [place.name, place])))
  for (const place of places) {
    server.route({
      method: place.it.method,
      url: API_ROOT + place.it.path.replace(/\{(\w+)\}/g, ':$1'),
      handler: async (request, reply) => {
        const done = await runOperation(place, plan, inboundOf(request))
        if (done.events !== undefined) return sendEvents(plan, done.events, { request, reply })
        if (done.status !== 304) reply.header('content-type', 'application/json; charset=utf-8')
        return reply
          .code(done.status)
          .headers(done.headers)
          .send(done.stream ?? done.body)
      },
    })
  }
}

/** The framework answers once; this goes on, so it takes the connection over. */
async function sendEvents(
  { streams }: ServerPlan,
  stream: OpenStream,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const takeOver = () => {
    reply.hijack()
  }
  const about = { id: request.id, path: pathOf(request) }
  await streams.send(stream, { raw: reply.raw, headers: reply.getHeaders(), takeOver, request: about })
  return reply
}

function addLists(server: FastifyInstance, plan: ServerPlan, places: ReadonlyMap<string, Place>): void {
  for (const list of allLists()) {
    server.route({
      method: list.it.method,
      url: API_ROOT + list.it.path.replace(/\{(\w+)\}/g, ':$1'),
      handler: async (request, reply) => {
        const done = await runList(list, { home: plan.home, signIn: plan.signIn, places }, inboundOf(request))
        reply.header('content-type', 'application/json; charset=utf-8')
        return reply.code(done.status).headers(done.headers).send(done.body)
      },
    })
  }
}

function inboundOf(request: FastifyRequest): InboundRequest {
  return {
    id: request.id,
    address: request.ip,
    credentials: credentialsOf(request),
    ifMatch: request.headers['if-match'],
    ifNoneMatch: request.headers['if-none-match'],
    lastEventId: oneHeader(request, 'last-event-id'),
    idempotencyKey: oneHeader(request, 'idempotency-key'),
    params: request.params as Record<string, string>,
    query: request.query,
    body: request.body,
  }
}

function credentialsOf(request: FastifyRequest): Credentials {
  const { headers } = request
  return {
    authorization: headers.authorization,
    cookie: headers.cookie,
    origin: headers.origin,
    fetchSite: oneHeader(request, 'sec-fetch-site'),
    csrfToken: oneHeader(request, 'x-csrf-token'),
    requestId: request.id,
  }
}

/** Node joins a header that was sent twice; joined, it has a form that is refused. */
function oneHeader(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function addPages(server: FastifyInstance, plan: ServerPlan): void {
  const document = openApiDocument(plan.version)
  const pages: [string, string][] = [
    ['/', homePage(plan.version)],
    ['/docs', referencePage(document)],
  ]
  for (const [url, html] of pages) {
    server.get(url, async (_, reply) =>
      reply
        .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': contentPolicy })
        .send(html),
    )
  }
  const json = JSON.stringify(document)
  server.get('/api/openapi.json', async (_, reply) =>
    reply.header('content-type', 'application/json; charset=utf-8').send(json),
  )
}

function addProbes(server: FastifyInstance, { health, home }: ServerPlan): void {
  server.get('/livez', async (_, reply) => reply.send({ status: 'alive' }))
  server.get('/readyz', async (_, reply) => {
    const checks = await health.check()
    const isReady = checks.database && checks.serving
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready', checks })
  })
  const metrics = metricsReader(home.db, home.clock)
  server.get('/metrics', async (_, reply) =>
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await metrics()),
  )
}

/** Nothing may be framed, guessed, run or remembered; pages loosen the one rule they need to. */
function securityHeaders(requestId: string): Record<string, string> {
  return {
    'content-security-policy':
      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    'x-request-id': requestId,
  }
}

function wrongPlace(server: FastifyInstance, request: FastifyRequest): AdminProblem {
  const path = pathOf(request)
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
  const others = methods.filter((method) => server.findRoute({ method, url: path }) !== null)
  const isKnown = others.length > 0 || methods.some((method) => server.hasRoute({ method, url: path }))
  if (isKnown) return new AdminProblem('method_not_allowed', `${request.method} is not possible here.`)
  return new AdminProblem('not_found', 'There is nothing at this path. See /docs.')
}

function sendProblem(
  plan: ServerPlan,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = toProblem(thrown)
  const path = pathOf(request)
  if (problem.status >= 500) {
    const cause = problem.cause instanceof Error ? problem.cause : problem
    plan.home.log(problem.code === 'internal_error' ? 'error' : 'warn', 'an admin request failed', {
      requestId: request.id,
      method: request.method,
      path: redact(path, 200),
      reason: redact(cause.message),
      ...(problem.code === 'internal_error' ? { stack: redact(cause.stack ?? '', 4000) } : {}),
    })
  }
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="headgate admin"')
  if (problem.etag !== null) reply.header('etag', problem.etag)
  if (problem.status === 503) reply.header('retry-after', String(RETRY_AFTER_SECONDS))
  return reply
    .headers(securityHeaders(request.id))
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(problemBody(problem, { id: request.id, path }))
}

function pathOf(request: FastifyRequest): string {
  return (request.url.split('?')[0] ?? '/').slice(0, 500)
}
