/**
 * What the first start hands over: `first-run.json` for scripts and a screen of text for people. The demo key
 * is known only once, when it is made, so the file of the first start is kept and only its addresses follow.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writePrivately } from './generated-secrets.ts'

export type FirstRun = {
  readonly gateway: string
  readonly console: string
  readonly adminApi: string
  readonly adminToken: string
  /** Null when this data folder never had a demo key. */
  readonly demoKey: string | null
  /** Signs the first admin in with a browser, once; null outside evaluation. */
  readonly signInLink: string | null
}

/** Writes the file (0600); a demo key that is not new is taken from the file of an earlier start. */
export async function writeFirstRun(dataDir: string, now: FirstRun): Promise<FirstRun> {
  const path = join(dataDir, 'first-run.json')
  const demoKey = now.demoKey ?? (await earlierDemoKey(path))
  const firstRun = { ...now, demoKey }
  await writePrivately(path, JSON.stringify(firstRun, null, 2))
  return firstRun
}

async function earlierDemoKey(path: string): Promise<string | null> {
  try {
    const earlier: unknown = JSON.parse(await readFile(path, 'utf8'))
    const key = (earlier as { demoKey?: unknown }).demoKey
    return typeof key === 'string' ? key : null
  } catch {
    return null
  }
}

/** The text `npm start` ends with: addresses, and a call that works when it is pasted. */
export function greeting(
  it: FirstRun,
  more: { dataDir: string; inMemory: boolean; startedMs: number },
): string {
  const key = it.demoKey ?? '$HEADGATE_KEY'
  const body = `'{"model":"demo-chat","stream":true,"messages":[{"role":"user","content":"Hello"}]}'`
  const lines = [
    '',
    `  Headgate is ready (${(more.startedMs / 1000).toFixed(1)} s)`,
    '',
    `  OpenAI API    ${it.gateway}/v1`,
    `  Admin API     ${it.adminApi}      reference ${it.console}docs`,
    `  Admin token   in ${join(more.dataDir, 'first-run.json')}`,
    ...(it.signInLink ? [`  Sign in once  ${it.signInLink}`] : []),
    ...(it.demoKey ? [`  Your key      ${it.demoKey}`] : []),
    '  Demo models   demo-chat, demo-chat-large, demo-embed (built in, no account needed)',
    ...(more.inMemory
      ? ['', '  NOTE  No Redis here: limits are counted in this process alone and start anew with it.']
      : []),
    '',
    '  Try it',
    '',
    `    curl -N ${it.gateway}/v1/chat/completions \\`,
    `      -H "Authorization: Bearer ${key}" \\`,
    `      -H "Content-Type: application/json" \\`,
    `      -d ${body}`,
    '',
    '  Stop with Ctrl-C. For evaluation only: production brings its own Postgres and Redis.',
    '',
  ]
  return `${lines.join('\n')}\n`
}
