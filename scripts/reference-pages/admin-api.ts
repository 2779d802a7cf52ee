/** The admin API for people (a page) and for programs (OpenAPI 3.1), both printed from its one table. */
import { type OpenApiOperation, openApiDocument } from '@headgate/admin-contract/openapi'
import type { JsonSchema } from '@headgate/admin-contract/openapi-schemas'
import { code, pageHead, table } from './markdown.ts'

export function openApiText(version: string): string {
  return `${JSON.stringify(openApiDocument(version), null, 2)}\n`
}

export function adminApiPage(version: string): string {
  const document = openApiDocument(version)
  const root = document.servers[0]?.url ?? ''
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]) => ({ path: root + path, method: method.toUpperCase(), it })),
  )
  return [
    pageHead('Admin API', '`admin-contract/src`'),
    'On `HEADGATE_ADMIN_PORT`. Every operation takes `Authorization: Bearer` with the admin token. Names on the',
    'wire are snake_case. Lists answer `{ data, page: { next_cursor, has_more } }`, newest first or as `sort` says.',
    'Unknown fields are refused by name. Errors: [errors](errors.md#admin-api). For programs:',
    '[openapi.json](openapi.json), which the control plane also serves at `/api/openapi.json`; `/docs` shows it as a',
    'page.\n',
    'Every write takes `?dry_run=true`, which does everything, takes it back and answers what would change, and the',
    'header `Idempotency-Key`, under which a repeat within 24 hours is done once. Writes at the path of one thing',
    '(`PATCH`, `DELETE`) need `If-Match` with the `ETag` of what was read, or `*`. How to use them:',
    '[the admin API](../guides/admin-api.md).\n',
    '## Operations\n',
    table(
      ['Method', 'Path', 'What it does'],
      operations.map(({ method, path, it }) => [method, code(path), it.summary]),
    ),
    ...operations
      .filter(({ it }) => it.requestBody || it.parameters.some((one) => one.in === 'query' && isOwn(one)))
      .map(section),
    '## Shapes\n',
    ...Object.entries(document.components.schemas).map(([name, schema]) => shape(name, schema)),
  ].join('\n')
}

/** Not one of those that every write takes. */
function isOwn(one: OpenApiOperation['parameters'][number]): boolean {
  return one.in !== 'header' && one.name !== 'dry_run'
}

type Listed = { readonly path: string; readonly method: string; readonly it: OpenApiOperation }

function section({ path, method, it }: Listed): string {
  const lines = [`### ${method} ${path}\n`, `${it.summary} ${it.description}\n`]
  const own = it.parameters.filter(isOwn)
  if (own.length > 0) {
    lines.push(
      table(
        ['Parameter', 'In', 'Needed', 'Form'],
        own.map((one) => [
          code(one.name),
          one.in,
          one.required ? 'yes' : '',
          [one.description ?? '', formOf(one.schema)].filter(Boolean).join(' '),
        ]),
      ),
    )
  }
  const body = it.requestBody?.content['application/json']?.schema
  if (body !== undefined) lines.push(fields(body))
  return lines.join('\n')
}

function shape(name: string, schema: JsonSchema): string {
  return `### ${name}\n\n${fields(schema)}`
}

function fields(schema: JsonSchema): string {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
  const needed = new Set((schema['required'] ?? []) as string[])
  return table(
    ['Field', 'Needed', 'Form'],
    properties.map(([name, one]) => [code(name), needed.has(name) ? 'yes' : '', formOf(one)]),
  )
}

/** A schema in a few words; what is deeper is in openapi.json. */
function formOf(schema: JsonSchema): string {
  const either = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined
  const words = either ? [either.map(formOf).join(' or ')] : [plainForm(schema)]
  if (typeof schema['minimum'] === 'number' && schema['minimum'] > Number.MIN_SAFE_INTEGER)
    words.push(`from ${schema['minimum']}`)
  if (typeof schema['maximum'] === 'number' && schema['maximum'] < Number.MAX_SAFE_INTEGER)
    words.push(`to ${schema['maximum']}`)
  if (schema['default'] !== undefined) words.push(`(default ${code(JSON.stringify(schema['default']))})`)
  return words.join(' ')
}

function plainForm(schema: JsonSchema): string {
  if (typeof schema['$ref'] === 'string')
    return `[${nameOf(schema['$ref'])}](#${nameOf(schema['$ref']).toLowerCase()})`
  if (Array.isArray(schema['enum'])) return schema['enum'].map((one) => code(String(one))).join(', ')
  if (schema['type'] === 'array') return `list of ${formOf((schema['items'] ?? {}) as JsonSchema)}`
  if (schema['type'] === 'object') return `object of ${namesIn(schema)}`
  if (schema['format'] === 'date-time') return 'instant (ISO 8601)'
  const types = [schema['type'] ?? []].flat().join(' or ')
  return [types, schema['format']].filter(Boolean).join(', ') || 'anything'
}

function namesIn(schema: JsonSchema): string {
  return (
    Object.keys((schema['properties'] ?? {}) as object)
      .map(code)
      .join(', ') || 'anything'
  )
}

function nameOf(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1)
}
