/**
 * `headgate demo`: fills an evaluation with calls, so that its pages have shape: some teams, apps and models, served,
 * refused and failed. What it makes has names that begin with `Demo`, and `clear` removes it. The keys are new each time
 * and end with the run. The calls themselves stay: usage is never unwritten.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AdminClient } from '@headgate/admin-contract/client'
import type { OwnCommand, Run } from './command.ts'
import { CommandFault, wrongUsage } from './exit-codes.ts'
import { ownFlag } from './flags.ts'
import { show } from './show.ts'

const PREFIX = 'Demo '
const CALL_MS_MAX = 30_000
const HOUR_MS = 3_600_000
/** How long a new key takes to be known to gateways, at most. */
const KEY_MS_MAX = 15_000
const teams = ['Support', 'Search', 'Research'] as const
/** Asked in turn; the last two show what a refusal and a failure look like. */
const models = [
  'demo-chat',
  'demo-chat',
  'demo-chat-large',
  'demo-embed',
  'demo-chat',
  'no-such-model',
] as const

export const trafficCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['demo', 'traffic'],
  summary:
    'Makes calls through the gateway of the evaluation that runs in this folder, by teams it makes for that.',
  positionals: [],
  flags: [
    ownFlag('calls', 'text', 'How many, 1 to 10000; 60 if left out.'),
    ownFlag('per-second', 'text', 'How many a second, 1 to 50; 5 if left out.'),
  ],
  examples: ['headgate demo traffic', 'headgate demo traffic --calls 1000 --per-second 20'],
  run: async (run) => {
    const calls = numberIn(run, 'calls', { max: 10_000, byDefault: 60 })
    const perSecond = numberIn(run, 'per-second', { max: 50, byDefault: 5 })
    const gateway = await gatewayOf(run)
    const callers = await Promise.all(teams.map((name) => callerOf(run.client(), name)))
    try {
      await known(gateway, callers, run)
      await show(await makeCalls({ gateway, callers, calls, perSecond }, run), run)
    } finally {
      // Also after Ctrl-C, when what was begun with the old signal would not be sent.
      await Promise.all(callers.map(({ keyId }) => endKey(run, keyId)))
    }
    return run.stop.aborted ? 'interrupted' : 'done'
  },
}

export const clearCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['demo', 'clear'],
  summary:
    'Removes the teams, apps and keys that `headgate demo traffic` has made. Their calls stay in the usage.',
  positionals: [],
  flags: [],
  examples: ['headgate demo clear'],
  run: async (run) => {
    await gatewayOf(run)
    const client = run.client()
    let removed = 0
    for (const name of teams) {
      const team = await teamOf(client, name)
      if (team === undefined) continue
      const { data: apps } = await client.apps.list({ query: { teamId: team.id, limit: 200 } })
      const { data: keys } = await client.keys.list({ query: { teamId: team.id, limit: 200 } })
      for (const key of keys) await client.keys.remove({ params: { keyId: key.id } })
      for (const app of apps) await client.apps.remove({ params: { appId: app.id } })
      await client.teams.remove({ params: { teamId: team.id } })
      removed += 1
    }
    run.io.say(`${removed} teams are removed, with their apps and keys.`)
    return 'done'
  },
}

function numberIn(run: Run, flag: string, { max, byDefault }: { max: number; byDefault: number }): number {
  const text = run.value(flag)
  if (text === null) return byDefault
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw wrongUsage(`--${flag} is a whole number from 1 to ${max}; not "${text}"`)
  return value
}

/** Where the evaluation in this folder serves. Nothing else is filled with made-up calls. */
async function gatewayOf({ settings }: Run): Promise<string> {
  const path = join(settings.dataDir, 'first-run.json')
  const text = await readFile(path, 'utf8').catch(() => '{}')
  const { gateway } = JSON.parse(text) as { gateway?: unknown }
  if (typeof gateway === 'string') return gateway
  throw new CommandFault(
    'failed',
    `There is no evaluation in this folder (${path}): start one with headgate up, or go where one runs.`,
  )
}

type Caller = { readonly team: string; readonly keyId: string; readonly secret: string }

async function teamOf(client: AdminClient, name: string) {
  const { data } = await client.teams.list({ query: { q: PREFIX + name, limit: 200 } })
  return data.find((it) => it.name === PREFIX + name)
}

/** The team, its app, and a key for an hour. */
async function callerOf(client: AdminClient, name: (typeof teams)[number]): Promise<Caller> {
  const team = (await teamOf(client, name)) ?? (await client.teams.create({ body: { name: PREFIX + name } }))
  const { data } = await client.apps.list({ query: { teamId: team.id, limit: 200 } })
  const called = `${PREFIX}${name} app`
  const app =
    data.find((it) => it.name === called) ??
    (await client.apps.create({ body: { teamId: team.id, name: called } }))
  const expiresAt = new Date(Date.now() + HOUR_MS).toISOString()
  const key = await client.keys.create({
    body: { appId: app.id, name: `${PREFIX}key ${Date.now()}`, expiresAt },
  })
  return { team: team.name, keyId: key.id, secret: key.secret }
}

/** A key that could not be ended ends by itself within the hour. */
async function endKey(run: Run, keyId: string): Promise<void> {
  if (run.stop.aborted) return run.io.say('Its keys end by themselves within the hour.')
  await run.client().keys.revoke({ params: { keyId } })
}

/** Gateways hear of new keys a moment later; calls before that would only be refused. */
async function known(gateway: string, callers: readonly Caller[], run: Run): Promise<void> {
  const endMs = performance.now() + KEY_MS_MAX
  for (const caller of callers) {
    while ((await statusOf(gateway, caller, '/v1/models', run)) === 401) {
      if (performance.now() > endMs)
        throw new CommandFault('failed', `${gateway} does not know the new keys.`)
      await sleep(200, undefined, { signal: run.stop })
    }
  }
}

type Traffic = {
  readonly gateway: string
  readonly callers: readonly Caller[]
  readonly calls: number
  readonly perSecond: number
}

/** @returns how many calls ended with which status, by team */
async function makeCalls({ gateway, callers, calls, perSecond }: Traffic, run: Run) {
  const counted = new Map<string, number>()
  const underWay: Promise<void>[] = []
  let done = 0
  for (let n = 0; n < calls && !run.stop.aborted; n++) {
    const caller = callers[n % callers.length] as Caller
    const model = models[n % models.length] as string
    const call = model === 'demo-embed' ? embedding(model) : chat(model, n)
    underWay.push(
      statusOf(gateway, caller, call, run).then((status) => {
        const row = `${caller.team}\t${status}`
        counted.set(row, (counted.get(row) ?? 0) + 1)
        done += 1
        // A line that grows is for people; a log would be full of it.
        if (run.io.canAsk && (done % perSecond === 0 || done === calls))
          run.io.say(`${done} of ${calls} calls`)
      }),
    )
    await sleep(1000 / perSecond, undefined, { signal: run.stop }).catch(() => {})
  }
  await Promise.all(underWay)
  return [...counted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([row, count]) => ({ team: row.split('\t')[0], status: Number(row.split('\t')[1]), calls: count }))
}

type Call = { readonly path: string; readonly body: object }

function chat(model: string, n: number): Call {
  const messages = [{ role: 'user', content: `Tell me something, number ${n}.` }]
  return { path: '/v1/chat/completions', body: { model, messages, max_tokens: 64 } }
}

function embedding(model: string): Call {
  return { path: '/v1/embeddings', body: { model, input: 'something to find again' } }
}

/** The status of one call; 0 where the gateway did not answer. */
async function statusOf(gateway: string, { secret }: Caller, call: Call | string, run: Run): Promise<number> {
  const { path, body } = typeof call === 'string' ? { path: call, body: undefined } : call
  const request: RequestInit = {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    signal: AbortSignal.any([run.stop, AbortSignal.timeout(CALL_MS_MAX)]),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
  try {
    const answer = await fetch(gateway + path, request)
    await answer.arrayBuffer()
    return answer.status
  } catch {
    return 0
  }
}
