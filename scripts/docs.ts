/**
 * `npm run docs`: writes docs/reference anew from the code, and the drawing in ARCHITECTURE.md with it. What
 * these pages say is taken from the tables the product runs on, so they cannot tell of another product.
 * `--check` writes nothing and says which pages are stale.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configSchemaText } from '@headgate/cli/config-file/schema'
import { adminApiPage, openApiText } from './reference-pages/admin-api.ts'
import { cliPage } from './reference-pages/cli.ts'
import { configurationPage } from './reference-pages/configuration.ts'
import { endpointsPage } from './reference-pages/endpoints.ts'
import { errorsPage } from './reference-pages/errors.ts'
import { metricsPage } from './reference-pages/metrics.ts'
import { rightsPage } from './reference-pages/rights.ts'
import { sentinelsPage } from './reference-pages/sentinels.ts'

const root = dirname(import.meta.dirname)
const folder = join(root, 'docs/reference')

/** Every page by its file name. Equal code gives equal bytes: no dates, no versions of tools. */
function allPages(): Map<string, string> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return new Map([
    ['admin-api.md', adminApiPage(version)],
    ['cli.md', cliPage()],
    ['config.schema.json', configSchemaText()],
    ['configuration.md', configurationPage()],
    ['endpoints.md', endpointsPage()],
    ['errors.md', errorsPage()],
    ['metrics.md', metricsPage()],
    ['openapi.json', openApiText(version)],
    ['rights.md', rightsPage()],
    ['sentinels.md', sentinelsPage()],
  ])
}

function readOrNull(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

/** Pages that differ from the code, and files here that no page writes any more. */
function stalePages(pages: ReadonlyMap<string, string>): string[] {
  const changed = [...pages].filter(([name, text]) => readOrNull(join(folder, name)) !== text)
  return [...changed.map(([name]) => name), ...strayFiles(pages)]
}

function strayFiles(pages: ReadonlyMap<string, string>): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !pages.has(name)) : []
}

function write(pages: ReadonlyMap<string, string>): number {
  mkdirSync(folder, { recursive: true })
  for (const name of strayFiles(pages)) rmSync(join(folder, name))
  for (const [name, text] of pages) writeFileSync(join(folder, name), text)
  const drawn = spawnSync(process.execPath, [join(root, 'scripts/draw-architecture.mjs')], {
    cwd: root,
    stdio: 'inherit',
  })
  return drawn.status ?? 1
}

function check(pages: ReadonlyMap<string, string>): number {
  const stale = stalePages(pages)
  for (const name of stale) console.error(`docs/reference/${name} is stale: run npm run docs`)
  return stale.length === 0 ? 0 : 1
}

const pages = allPages()
process.exitCode = process.argv.includes('--check') ? check(pages) : write(pages)
