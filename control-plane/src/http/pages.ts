/**
 * The pages of the admin server: what this is, and the reference of the API, printed from its OpenAPI
 * document. Plain HTML and one style sheet within it; no script, nothing from elsewhere.
 */
import { createHash } from 'node:crypto'
import type { OpenApiDocument, OpenApiOperation, OpenApiResponse } from '@headgate/admin-contract/openapi'
import type { JsonSchema } from '@headgate/admin-contract/openapi-schemas'
import { problemCodes, problemRow } from '@headgate/admin-contract/problem'

const style = `
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5b636e;--line:#d9dde2;--paper:#fff;--code:#f4f5f7;--mark:#0b5cad}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3ae;--line:#333940;--paper:#15181c;--code:#1f2429;--mark:#7db8f0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:56rem;padding:1.5rem 1rem 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,sans-serif}
a{color:var(--mark)}h1{font-size:1.6rem;margin:.2em 0}h2{margin:2.2em 0 .4em;font-size:1.25rem}
h3{margin:1.6em 0 .2em;font-size:1rem;overflow-wrap:anywhere}
code,pre{font:.9em/1.5 ui-monospace,monospace;background:var(--code);border-radius:.25rem}
code{padding:.1em .3em;overflow-wrap:anywhere}pre{padding:.8rem;overflow-x:auto}
.soft{color:var(--soft)}.method{color:var(--mark);font-weight:700}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1rem;padding:0;list-style:none}
details{margin:.5em 0;border-left:2px solid var(--line);padding-left:.8rem}summary{cursor:pointer}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line)}
`

/** The pages' rule for browsers: this one style sheet, known by its hash, and nothing else. */
export const contentPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`

/** What stands at `/` until the console does. */
export function homePage(version: string): string {
  return page(
    'Headgate',
    `<h1>Headgate</h1>
<p>An AI gateway: it gives every team, app and user a share of the real quota, meters every token and explains
every refusal. This is its control plane, version ${escapeHtml(version)}.</p>
<ul>
<li><a href="/docs">Reference of the admin API</a></li>
<li><a href="/api/openapi.json">The same as OpenAPI 3.1</a></li>
<li><a href="/readyz">Is it ready?</a></li>
</ul>
<p><a href="/sign-in">Sign in</a>, or call it with an API token or the admin token:</p>
<pre>curl -H "Authorization: Bearer $HEADGATE_ADMIN_TOKEN" http://127.0.0.1:7401/api/v1/teams</pre>`,
  )
}

/** Where somebody says which of several directories knows them. @param returnTo a path of ours */
export function chooseDirectoryPage(directories: readonly { issuer: string }[], returnTo: string): string {
  const links = directories.map(({ issuer }, at) => {
    const query = new URLSearchParams({ with: String(at), return_to: returnTo })
    return `<li><a href="/sign-in?${escapeHtml(query.toString())}">${escapeHtml(issuer)}</a></li>`
  })
  return page('Sign in to Headgate', `<h1>Sign in with</h1><ul>${links.join('')}</ul>`)
}

/** The reference of the admin API. */
export function referencePage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]) => ({ path, method, it })),
  )
  const tags = document.tags.map(({ name }) => name)
  const sections = tags.map((tag) => {
    const own = operations.filter(({ it }) => it.tags.includes(tag))
    return `<h2 id="${tag}">${tag}</h2>${own.map(operationHtml).join('')}`
  })
  const links = [...tags, 'shapes', 'problems'].map((tag) => `<li><a href="#${tag}">${tag}</a></li>`)
  return page(
    'Headgate admin API',
    `<h1>${escapeHtml(document.info.title)}</h1>
<p>${escapeHtml(document.info.description)} Version ${escapeHtml(document.info.version)},
<a href="/api/openapi.json">as OpenAPI 3.1</a>. Paths stand below <code>/api/v1</code>. Send
<code>Authorization: Bearer …</code> with an API token or the admin token; bodies are JSON with names in snake_case; fields that
are not listed are refused. Lists come newest first, with <code>page.next_cursor</code> leading on.</p>
<nav><ul>${links.join('')}</ul></nav>
${sections.join('\n')}
<h2 id="shapes">shapes</h2>${Object.entries(document.components.schemas).map(shapeHtml).join('')}
<h2 id="problems">problems</h2>
<p>Errors are <code>application/problem+json</code>; <code>errors</code> names each fault with a JSON pointer
(or <code>?name</code> for a query parameter) and its cure.</p>
${table(['code', 'status', 'meaning'], problemCodes.map(problemCells))}`,
  )
}

function operationHtml({ path, method, it }: { path: string; method: string; it: OpenApiOperation }): string {
  const parameters = it.parameters.map((parameter) => [
    code(parameter.name),
    parameter.in + (parameter.required ? ', required' : ''),
    `${schemaHtml(parameter.schema)} ${escapeHtml(parameter.description ?? '')}`,
  ])
  const body = it.requestBody?.content['application/json']
  const replies = Object.entries(it.responses).map(replyHtml).join('')
  return `<h3 id="${escapeHtml(it.operationId)}"><span class="method">${method.toUpperCase()}</span> ${code(path)}</h3>
<p>${escapeHtml(it.summary)} <span class="soft">${escapeHtml(it.description)}</span></p>
${parameters.length > 0 ? table(['parameter', 'in', 'form'], parameters) : ''}
${body === undefined ? '' : `<details><summary>Body</summary>${jsonHtml(body.schema)}</details>`}
<details><summary>Replies</summary>${replies}</details>`
}

function replyHtml([status, reply]: [string, OpenApiResponse]): string {
  const schemas = Object.values(reply.content).map((content) => schemaHtml(content.schema))
  return `<div><strong>${escapeHtml(status)}</strong> ${escapeHtml(reply.description)} ${schemas.join('')}</div>`
}

function shapeHtml([name, schema]: [string, JsonSchema]): string {
  return `<h3 id="shape-${escapeHtml(name)}">${escapeHtml(name)}</h3>${jsonHtml(schema)}`
}

function problemCells(name: (typeof problemCodes)[number]): string[] {
  const { status, title } = problemRow(name)
  return [`<code id="problem-${name}">${name}</code>`, String(status), escapeHtml(title)]
}

/** A reference as a link, something short in one line, anything else as it is. */
function schemaHtml(schema: JsonSchema): string {
  const target = /^#\/components\/schemas\/(\w+)$/.exec(String(schema['$ref'] ?? ''))?.[1]
  if (target !== undefined) return `<a href="#shape-${target}">${target}</a>`
  const text = JSON.stringify(schema)
  return text.length <= 120 ? code(text) : jsonHtml(schema)
}

function jsonHtml(schema: JsonSchema): string {
  return `<pre>${escapeHtml(JSON.stringify(schema, null, 2))}</pre>`
}

/** Cells are HTML already. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((cell) => `<th>${escapeHtml(cell)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character] as string)
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body>
${body}
</body></html>
`
}
