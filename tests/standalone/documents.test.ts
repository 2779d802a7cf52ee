/** The shell snippets of the documents, run as they stand against `npm start` with a stranger in the provider's place. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type FakeUpstream, startFakeUpstream } from '@headgate/fake-upstream/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bareEnvironment } from '../servers/environment.ts'
import { type FirstRun, newDataDir, startOwn } from './own-gateway.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PROVIDER_KEY = 'sk-a-provider-of-the-documents'
const PROVIDERS =
  /https:\/\/(api\.openai\.com|my-account\.openai\.azure\.com|my-older-account\.openai\.azure\.com)/g
/** What starts processes, or has something left to fill in. */
const NOT_RUN = /npm |main\.ts|…/
const WITH_COMMANDS = `${join(ROOT, 'node_modules/.bin')}:${bareEnvironment().PATH}`
const GETTING_STARTED = 'docs/guides/getting-started.md'

/** A bare machine may have none; the snippets are for people who do. */
const hasCurl = spawnSync('curl', ['--version']).status === 0

let provider: FakeUpstream

beforeAll(async () => {
  provider = await startFakeUpstream({ apiKey: PROVIDER_KEY })
})

afterAll(() => provider.close())

/** Documents that go on where getting started ends need its shell first. */
const documents: [path: string, needsShell: boolean, expected: RegExp[]][] = [
  ['README.md', false, [/"model":"gpt-4o-mini-2024-07-18"/, /"cached_tokens"/]],
  [GETTING_STARTED, false, [/x-headgate-deployment: well\r?\nx-headgate-attempts: 2/, /"secret":"hg_live_/]],
  ['docs/guides/upstreams.md', true, [/"kind":"input","nanos":150000000/, /"weight":2/, /chat\.completion/]],
  [
    'docs/guides/own-use.md',
    false,
    [
      /"object":"headgate.me"/,
      /"live":true/,
      /"state":"final"/,
      /"state":"priced"/,
      /^: headgate cost=0\.\d{9} currency=USD$/m,
    ],
  ],
  ['docs/guides/keys-and-limits.md', true, [/"requests_per_minute":600/, /"state":"revoked"/]],
  [
    'docs/guides/admin-api.md',
    true,
    [/"name":"Research and development"/, /"change":"added"/, /"archived_by":"admin-token"/, /"status":200/],
  ],
  [
    'docs/guides/catalog.md',
    true,
    [/"live":1,"known":1/, /"passes":true/, /"state":"published"/, /"restored":\d+/],
  ],
  [
    'docs/guides/key-life-cycle.md',
    true,
    [/"state":"disabled"/, /"state":"grace"/, /"truncated":false/, /"state":"scheduled"/],
  ],
  [
    'docs/guides/shares-of-a-quota.md',
    true,
    [/"share":0.1/, /"oversubscribed":false/, /"would_be_refused":0/],
  ],
  [
    'docs/guides/budgets.md',
    true,
    [
      /x-headgate-budget-state: ok/,
      /x-headgate-budget-state: exhausted/,
      /Budget ."Day." of app ."checkout." is spent/,
      /"owner_name":"Payments"/,
    ],
  ],
  ['docs/guides/sinks.md', true, [/"data":\[\]/]],
  ['docs/guides/alerts.md', true, [/"event_type":"alert.test"/, /"last_answer":"the secret env:/]],
  [
    'docs/guides/policies.md',
    true,
    [
      /policy "Small models only" of its team does not allow it/,
      /asks for 600 tokens; policy "Small models only" of its team caps them at 500/,
      /"id": ?"demo-chat"/,
      /"shadow_refusal":\{"code":"max_tokens_over_cap"/,
    ],
  ],
  [
    'docs/guides/prices.md',
    true,
    [
      /LiteLLM .*: \d+ differ/,
      /applied: true/,
      /"multiplier_millionths":850000/,
      /"still_unknown":0/,
      /"total_nanos":"2400000000000"/,
      /1084500000/,
    ],
  ],
  [
    'docs/guides/sign-in.md',
    true,
    [/"credential":"admin_token"/, /your token is narrowed to other rights/, /"mappings":\[\{"id":"rmp_/],
  ],
  [
    'docs/guides/why-refused.md',
    true,
    [/"kind":"limit"/, /"code":"limit_requests"/, /"state":"unchanged"/, /"state":"changed"/],
  ],
  [
    'docs/guides/models.md',
    true,
    [/"context_window": ?128000/, /applied: true/, /was retired on 2026-01-31/],
  ],
  ['docs/guides/settings.md', true, [/"name":"keep_records_days"/, /"source":"stored"/]],
  ['docs/guides/cli.md', false, [/"actor": "admin-token"/, /is in checkout.key/, /"state": "revoked"/]],
  ['docs/guides/usage-and-cost.md', true, [/"dimension":"alias"/, /"kind":"records"/, /started_at/]],
]

test.skipIf(!hasCurl).for(documents)(
  'the shell snippets of %s do what they say',
  { timeout: 90_000 },
  async (row) => {
    const [path, needsShell, expected] = row
    const blocks = [
      ...(needsShell ? await shellOf(GETTING_STARTED, /^(KEY|ADMIN)=/) : []),
      ...(await shellOf(path)),
    ]
    const dataDir = await newDataDir()
    const folder = await mkdtemp(join(tmpdir(), 'headgate-documents-'))
    await symlink(dataDir.path, join(folder, '.headgate'))
    const started = await startOwn(dataDir.path, {
      OPENAI_API_KEY: PROVIDER_KEY,
      AZURE_OPENAI_KEY: PROVIDER_KEY,
    })
    try {
      const said = await runShell(blocks.map((block) => moved(block, started.firstRun)).join('\n'), folder)
      expect(said.code, said.text).toBe(0)
      expect(said.text).not.toMatch(/#problem-|"error":\{/)
      for (const pattern of expected) expect(said.text).toMatch(pattern)
    } finally {
      await started.stop()
      await dataDir.remove()
      await rm(folder, { recursive: true, force: true })
    }
  },
)

/** The `sh` blocks of a document that can be run; of these, if asked, those that begin in a certain way. */
async function shellOf(path: string, begins = /^/): Promise<string[]> {
  const text = await readFile(join(ROOT, path), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .map(([, block = '']) => block)
    .filter((block) => !NOT_RUN.test(block) && begins.test(block))
}

/** The same snippet, with this gateway and this provider in place of those of the document. */
function moved(block: string, { gateway, adminApi }: FirstRun): string {
  return block
    .replaceAll('http://127.0.0.1:7400', gateway)
    .replaceAll('http://127.0.0.1:7401/api/v1', adminApi)
    .replaceAll(PROVIDERS, provider.origin)
}

function runShell(script: string, cwd: string): Promise<{ code: number | null; text: string }> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd,
    // The snippet that asks Postgres is to be run in the root of the checkout, where its driver is.
    // `headgate` is found as it is by whoever has put the checkout's commands on their PATH.
    env: { ...bareEnvironment(), PATH: WITH_COMMANDS, NODE_PATH: join(ROOT, 'node_modules') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      text += bytes
    })
  }
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (code) => done({ code, text }))
  })
}
