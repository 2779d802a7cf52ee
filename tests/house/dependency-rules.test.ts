import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ROOT } from './source-file.ts'

/** Imports that must not be, each with the rule that must catch it. */
const refused: [from: string, to: string, rule: string][] = [
  ['domain/src/team.ts', 'adapters/src/redis/ledger.ts', '1-domain-imports-nothing-of-ours'],
  ['domain/src/team.ts', 'node:fs', '1-domain-needs-no-node'],
  ['adapters/src/redis/ledger.ts', 'data-plane/src/config.ts', '2-adapters-import-domain-only'],
  ['admin-contract/src/keys.ts', 'adapters/src/redis/ledger.ts', '2-admin-contract-imports-domain-only'],
  ['data-plane/src/start.ts', 'admin-contract/src/keys.ts', '3-data-plane-imports-domain-only'],
  [
    'control-plane/src/start.ts',
    'fake-upstream/src/server.ts',
    '3-control-plane-imports-domain-and-admin-contract',
  ],
  ['cli/src/run.ts', 'control-plane/src/start.ts', '3-cli-imports-domain-and-admin-contract'],
  ['fake-upstream/src/server.ts', 'domain/src/team.ts', '3-fake-upstream-imports-nothing-of-ours'],
  ['data-plane/src/start.ts', 'adapters/src/redis/ledger.ts', '4-only-composition-imports-adapters'],
  ['standalone/src/seed.ts', 'adapters/src/redis/ledger.ts', '4-only-composition-imports-adapters'],
  [
    'control-plane/src/start.ts',
    'control-plane/src/database/local-server.ts',
    '4-only-composition-starts-servers',
  ],
  ['data-plane/src/main.ts', 'control-plane/src/start.ts', '5-planes-never-meet'],
  ['control-plane/src/main.ts', 'data-plane/src/start.ts', '5-planes-never-meet'],
  ['adapters/src/redis/ledger.ts', 'standalone/src/seed.ts', '5-nothing-imports-standalone'],
  ['data-plane/src/pipeline/serve.ts', 'data-plane/src/http/server.ts', '6-pipeline-knows-no-http'],
  [
    'data-plane/src/endpoints/chat.ts',
    'data-plane/src/pipeline/serve.ts',
    '6-endpoints-and-upstreams-know-no-pipeline',
  ],
  ['data-plane/src/endpoints/chat.ts', 'data-plane/src/upstreams/openai.ts', '6-endpoints-know-no-upstreams'],
  ['data-plane/src/upstreams/openai.ts', 'data-plane/src/endpoints/chat.ts', '6-upstreams-know-no-endpoints'],
  ['data-plane/src/tokenizer/x.ts', 'data-plane/src/pipeline/serve.ts', '6-tokenizer-knows-endpoints-only'],
  ['data-plane/src/endpoints/chat.ts', 'data-plane/src/tokenizer/x.ts', '6-endpoints-know-no-tokenizer'],
  ['data-plane/src/observe/spans.ts', 'data-plane/src/pipeline/serve.ts', '6-data-plane-observe-is-a-leaf'],
  ['data-plane/src/message/body.ts', 'data-plane/src/endpoints/chat.ts', '6-data-plane-message-is-a-leaf'],
  [
    'control-plane/src/resources/keys/queries.ts',
    'control-plane/src/http/server.ts',
    '6-resources-know-no-http',
  ],
  [
    'control-plane/src/database/open.ts',
    'control-plane/src/catalog/compile.ts',
    '6-database-is-the-ground-floor',
  ],
  [
    'control-plane/src/resources/keys/queries.ts',
    'control-plane/src/resources/apps/queries.ts',
    '6-resources-are-neighbours-not-friends',
  ],
  ['domain/src/team.ts', 'domain/src/team.test.ts', 'no-tests-in-the-product'],
  ['domain/src/team.ts', 'domain/src/nowhere.ts', 'no-unresolvable-imports'],
]

/** Imports that the house lives on. */
const allowed: [from: string, to: string][] = [
  ['adapters/src/redis/ledger.ts', 'domain/src/team.ts'],
  ['admin-contract/src/keys.ts', 'domain/src/team.ts'],
  ['cli/src/run.ts', 'admin-contract/src/keys.ts'],
  ['data-plane/src/main.ts', 'adapters/src/redis/ledger.ts'],
  ['data-plane/src/start.test.ts', 'adapters/src/redis/ledger.ts'],
  ['data-plane/src/http/server.ts', 'data-plane/src/pipeline/serve.ts'],
  ['data-plane/src/pipeline/serve.ts', 'data-plane/src/endpoints/chat.ts'],
  ['data-plane/src/pipeline/serve.ts', 'data-plane/src/observe/spans.ts'],
  ['data-plane/src/pipeline/serve.ts', 'data-plane/src/tokenizer/x.ts'],
  ['data-plane/src/tokenizer/x.ts', 'data-plane/src/endpoints/chat.ts'],
  ['data-plane/src/upstreams/openai.ts', 'data-plane/src/endpoints/endpoint.ts'],
  ['control-plane/src/resources/keys/queries.ts', 'control-plane/src/database/open.ts'],
  ['control-plane/src/resources/keys/handlers.ts', 'control-plane/src/resources/keys/queries.ts'],
  ['standalone/src/main.ts', 'control-plane/src/database/local-server.ts'],
  ['standalone/src/main.ts', 'data-plane/src/start.ts'],
  ['standalone/src/main.ts', 'control-plane/src/start.ts'],
  ['domain/src/team.test.ts', 'node:fs'],
]

/** Broken rules, as "rule: from → to". A file that imports '' imports nothing. */
function brokenRules(imports: [from: string, to: string][]): string[] {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'headgate-walls-')))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const files = new Map<string, string>()
  for (const [from, to] of imports) {
    files.set(from, files.get(from) ?? '')
    if (to === '') continue
    if (!to.startsWith('node:') && !to.includes('nowhere')) files.set(to, files.get(to) ?? '')
    const target = to.startsWith('node:') ? to : `./${relative(dirname(from), to)}`
    files.set(from, `${files.get(from) ?? ''}import '${target}'\n`)
  }
  writeFileSync(join(root, 'tsconfig.json'), '{"compilerOptions":{"allowImportingTsExtensions":true}}')
  for (const [path, text] of files) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const tool = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const args = ['--config', join(ROOT, 'dependency-rules.mjs'), '--output-type', 'json', '.']
  const done = spawnSync(process.execPath, [tool, ...args], { cwd: root, encoding: 'utf8' })
  const { summary } = JSON.parse(done.stdout) as {
    summary: { violations: { from: string; to: string; rule: { name: string } }[] }
  }
  return summary.violations.map(
    ({ from, to, rule }) => `${rule.name}: ${from} → ${to.replace(/^fs$/, 'node:fs')}`,
  )
}

test('every forbidden import is caught by the rule made for it', () => {
  const broken = brokenRules(refused.map(([from, to]) => [from, to]))
  const missed = refused.filter(
    ([from, to, rule]) =>
      !broken.some((line) => line.startsWith(`${rule}: ${from} → `) && line.includes(stem(to))),
  )
  expect(missed).toEqual([])
})

/** What cannot be resolved is told as it was written. */
function stem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

test('the imports that the house lives on are allowed', () => {
  const broken = brokenRules(allowed).filter((line) => !/^no-(dead-files|orphans)/.test(line))
  expect(broken).toEqual([])
})

test('a circle, an orphan and a file that nothing runs are each refused', () => {
  const broken = brokenRules([
    ['domain/src/a.ts', 'domain/src/b.ts'],
    ['domain/src/b.ts', 'domain/src/a.ts'],
    ['data-plane/src/main.ts', 'domain/src/c.ts'],
    ['domain/src/lonely.ts', ''],
    ['standalone/src/main.ts', 'domain/src/c.ts'],
  ])
  expect(broken.some((line) => line.startsWith('no-cycles'))).toBe(true)
  expect(broken).toContain('no-orphans: domain/src/lonely.ts → domain/src/lonely.ts')
  expect(broken.some((line) => line.startsWith('no-dead-files: ') && line.endsWith('domain/src/a.ts'))).toBe(
    true,
  )
})
