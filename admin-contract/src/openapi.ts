/**
 * The table as an OpenAPI 3.1 document, for everyone who does not speak TypeScript. Nothing is written by
 * hand: shapes that have a name in `named` become components, everything else stands where it is used.
 */
import { rightRow } from '@headgate/domain/right'
import type { z } from 'zod'
import { contentTypes } from './download.ts'
import { DryRun } from './dry-run.ts'
import { EVENT_STREAM } from './event-stream.ts'
import { API_ROOT, contract } from './index.ts'
import { type JsonSchema, type SchemaPrinter, schemaPrinter } from './openapi-schemas.ts'
import { actedOnPath, answersWithThing, type Operation, type Operations, readerOf } from './operation.ts'
import { Problem, type ProblemCode, problemRow } from './problem.ts'
import { renameKey } from './wire.ts'

export type OpenApiParameter = {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
}

type Content = { readonly [type: string]: { readonly schema: JsonSchema } }
export type OpenApiResponse = {
  readonly description: string
  readonly headers?: {
    readonly [name: string]: { readonly description: string; readonly schema: JsonSchema }
  }
  readonly content: Content
}

export type OpenApiOperation = {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly security: readonly Readonly<Record<string, readonly []>>[]
  readonly parameters: readonly OpenApiParameter[]
  readonly requestBody?: { readonly required: true; readonly content: Content }
  readonly responses: { readonly [status: string]: OpenApiResponse }
}

export type OpenApiDocument = {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: { readonly [path: string]: { readonly [method: string]: OpenApiOperation } }
  readonly components: {
    readonly schemas: { readonly [name: string]: JsonSchema }
    readonly securitySchemes: JsonSchema
  }
}

/**
 * Prints the table.
 * @param version of the product, as in package.json
 */
export function openApiDocument(version: string): OpenApiDocument {
  const printer = schemaPrinter()
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const [word, operations] of Object.entries(contract)) {
    const tag = renameKey(word).replaceAll('_', '-')
    for (const [name, it] of Object.entries(operations) as [string, Operation][]) {
      const path = wirePath(it.path)
      paths[path] ??= {}
      paths[path][it.method.toLowerCase()] = describe(
        it,
        { id: `${word}.${name}`, tag, group: operations },
        printer,
      )
    }
  }
  for (const shape of [Problem, DryRun]) printer.print(shape, 'output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'Headgate admin API',
      version,
      description:
        'Teams, apps, users, keys, providers, routes, prices and usage of one Headgate installation.',
    },
    servers: [{ url: API_ROOT }],
    tags: Object.keys(contract).map((word) => ({ name: renameKey(word).replaceAll('_', '-') })),
    paths,
    components: {
      schemas: printer.components(),
      securitySchemes: {
        adminToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'HEADGATE_ADMIN_TOKEN, an API token, or an access token of the directory.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-headgate',
          description: 'A browser session. Writes also need `X-CSRF-Token`.',
        },
      },
    },
  }
}

/** The path with its parameters in the words of the wire: `/keys/{key_id}`. */
export function wirePath(path: string): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => `{${renameKey(name)}}`)
}

type Names = { readonly id: string; readonly tag: string; readonly group: Operations }

function describe(it: Operation, names: Names, printer: SchemaPrinter): OpenApiOperation {
  const isGuarded = readerOf(names.group, it) !== undefined
  const event = it.audit === 'of-each-item' ? 'events of its items' : `event \`${it.audit}\``
  const audited = it.audit === undefined ? '' : ` Leaves the audit ${event}.`
  return {
    operationId: names.id,
    tags: [names.tag],
    summary: it.summary,
    description: `${needs(it)}${audited}`,
    security: [{ adminToken: [] }, { session: [] }],
    parameters: [
      ...pathParameters(it.path),
      ...queryParameters(it.query, printer),
      ...headerParameters(it, isGuarded),
    ],
    ...(it.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: printer.print(it.body, 'input') } },
          },
        }),
    responses: responsesOf(it, names.group, printer),
  }
}

/** The right and who has it. */
function needs({ right }: Operation): string {
  if (right === 'signed-in') return 'Needs no right: it is about whoever asks.'
  if (right === 'of-each-item') return 'Each item needs the right of its own operation.'
  const { roles, reach } = rightRow(right)
  const where = reach === 'team' ? 'can be held for single teams' : 'only for the whole organisation'
  return `Needs the right \`${right}\`; roles that have it: ${roles.join(', ')}; ${where}.`
}

/** What every write, and every stream, takes besides what is its own. */
function headerParameters(it: Operation, isGuarded: boolean): OpenApiParameter[] {
  if (it.events === true) return [lastEventId]
  if (it.method === 'GET') return []
  if (it.audit === 'of-each-item') return [idempotencyKey]
  const ifMatch: OpenApiParameter = {
    name: 'If-Match',
    in: 'header',
    required: isGuarded,
    description: isGuarded
      ? 'The ETag of what you have read, or `*` to write whatever it is.'
      : 'The ETag of the thing it is done to, as you have read it. Without it, whatever the thing is now.',
    schema: { type: 'string' },
  }
  return [
    {
      name: 'dry_run',
      in: 'query',
      required: false,
      description: 'Does everything and takes it back; answers a `DryRun` that says what would change.',
      schema: { type: 'boolean', default: false },
    },
    ...(isGuarded || actedOnPath(it) !== null ? [ifMatch] : []),
    idempotencyKey,
  ]
}

const lastEventId: OpenApiParameter = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'The id of the last event that came; browsers send it by themselves.',
  schema: { type: 'string' },
}

const idempotencyKey: OpenApiParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Within 24 hours, a repeat under the same key is answered the same and done once.',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
}

function responsesOf(
  it: Operation,
  group: Operations,
  printer: SchemaPrinter,
): Record<string, OpenApiResponse> {
  const status = it.method === 'GET' ? 200 : it.status
  const responses: Record<string, OpenApiResponse> = {
    [status]: {
      description:
        it.events === true ? 'Events, each with this as its data.' : status === 201 ? 'Created.' : 'Done.',
      ...(hasEtag(it, group) ? { headers: { ETag: etagHeader } } : {}),
      content: contentOf(it, printer),
    },
  }
  for (const code of refusalsOf(it, group)) {
    const row = problemRow(code)
    responses[row.status] ??= {
      description: `${row.title}.`,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
  }
  return responses
}

/** What a file may be; its columns are told by its sidecar. */
const fileContent: Content = Object.fromEntries(
  [...new Set(Object.values(contentTypes))].map((type) => [
    type.split(';')[0],
    { schema: { type: 'string' } },
  ]),
)

function contentOf(it: Operation, printer: SchemaPrinter): Content {
  if (it.download === true) return fileContent
  if (it.events === true) return { [EVENT_STREAM]: { schema: printer.print(it.reply, 'output') } }
  return { 'application/json': { schema: printer.print(it.reply, 'output') } }
}

const etagHeader = {
  description: 'What this state is called; for `If-Match` and `If-None-Match`.',
  schema: { type: 'string' },
}

function hasEtag(it: Operation, group: Operations): boolean {
  if (it.method === 'GET') return it.download !== true && it.events !== true
  return it.method !== 'DELETE' && answersWithThing(group, it)
}

function refusalsOf(it: Operation, group: Operations): ProblemCode[] {
  const codes: ProblemCode[] = ['unauthenticated', 'forbidden', 'internal_error', 'database_unavailable']
  if (it.query !== undefined || it.body !== undefined) codes.push('invalid_request')
  if (it.path.includes('{')) codes.push('not_found')
  if (it.events === true) codes.push('too_many_streams')
  if (it.method !== 'GET') codes.push('invalid_request', 'conflict', 'idempotency_key_reused')
  if (it.body !== undefined) codes.push('body_too_large', 'unsupported_content')
  if (readerOf(group, it) !== undefined) codes.push('precondition_failed', 'precondition_required')
  else if (actedOnPath(it) !== null) codes.push('precondition_failed')
  return codes
}

function pathParameters(path: string): OpenApiParameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: renameKey(match[1] as string),
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(query: z.ZodType | undefined, printer: SchemaPrinter): OpenApiParameter[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = printer.print(query, 'input') as {
    properties?: Record<string, JsonSchema & { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }))
}
