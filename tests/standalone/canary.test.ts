/**
 * Canaries through a whole installation: credentials of every kind, and what people say to a model. After calls that
 * end well, badly and early, none stands in Redis, in the data folder (Postgres with its log, the journal, the last
 * catalog) or in what the process wrote.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import { newDataDir, type Started, startOwn } from './own-gateway.ts'

const PROVIDER_KEY = 'canary-of-the-environment-0123456789'
const STORED = 'canary of the stored secret 0123456789'
const WRONG_KEY = `hg_live_${'canary0'.repeat(7)}`
const PROMPT = 'canary of what was asked 0123456789'

let dataDir: Awaited<ReturnType<typeof newDataDir>>
let started: Started
let redisUrl: string

beforeAll(async () => {
  dataDir = await newDataDir()
  redisUrl = await freshRedisUrl()
  started = await startOwn(dataDir.path, {
    ...{ REDIS_URL: redisUrl, CANARY_PROVIDER_KEY: PROVIDER_KEY, HEADGATE_LOG_LEVEL: 'debug' },
  })
})

afterAll(async () => {
  await started.stop()
  await dataDir.remove()
})

// biome-ignore lint/suspicious/noExplicitAny: replies of the admin API, read loosely by this test alone
async function admin(path: string, body: unknown): Promise<any> {
  const { adminApi, adminToken } = started.firstRun
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
  const reply = await fetch(adminApi + path, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(reply.status, await reply.clone().text()).toBe(201)
  return reply.json()
}

async function chat(key: string, model: string, more: object = {}, signal?: AbortSignal): Promise<Response> {
  const messages = [{ role: 'user', content: PROMPT }]
  return await fetch(`${started.firstRun.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages, ...more }),
    ...(signal && { signal }),
  })
}

/** An alias of its own whose provider is given this credential, and refuses it. */
async function deploy(name: string, secretRef: string): Promise<void> {
  const resource = await admin('/resources', {
    ...{ name, api_style: 'openai', origin: await demoOrigin(), secret_ref: secretRef },
  })
  const deployment = await admin('/deployments', { name, resource_id: resource.id, upstream_model: 'gpt-4o' })
  const alias = await admin('/model-aliases', { name })
  await admin('/routes', { alias_id: alias.id, tiers: [[{ deployment_id: deployment.id }]] })
}

async function demoOrigin(): Promise<string> {
  const { adminApi, adminToken } = started.firstRun
  const headers = { authorization: `Bearer ${adminToken}` }
  const { data } = (await (await fetch(`${adminApi}/resources`, { headers })).json()) as {
    data: { name: string; origin: string }[]
  }
  return data.find((it) => it.name === 'demo')?.origin ?? ''
}

test('no credential and no word of a conversation stays anywhere', async () => {
  await admin('/secrets', { name: 'canary', value: STORED })
  await deploy('stored', 'db://canary')
  await deploy('environment', 'env://CANARY_PROVIDER_KEY')
  const team = await admin('/teams', { name: 'canaries' })
  const app = await admin('/apps', { name: 'canaries', team_id: team.id })
  const key = await admin('/keys', { name: 'canary', app_id: app.id })

  await expect.poll(async () => (await chat(key.secret, 'stored')).status).not.toBe(404)
  const served = await chat(key.secret, 'demo-chat')
  const answer = ((await served.json()) as { choices: { message: { content: string } }[] }).choices[0]
  const said = answer?.message.content ?? ''
  expect([served.status, said.length > 20]).toEqual([200, true])
  expect(await (await chat(key.secret, 'demo-chat', { stream: true })).text()).toContain('[DONE]')
  const leaving = new AbortController()
  const left = await chat(key.secret, 'demo-chat', { stream: true }, leaving.signal)
  await left.body?.getReader().read()
  leaving.abort()
  for (const [of, model] of [
    [key.secret, 'stored'],
    [key.secret, 'environment'],
    [key.secret, 'no-such-model'],
    [WRONG_KEY, 'demo-chat'],
  ] as const)
    expect((await chat(of, model)).status).toBeGreaterThanOrEqual(400)

  const inRedis = await redisText()
  expect(inRedis).toContain('canaries')
  expect(await started.stop()).toBe(0)
  const { keyPepper, adminToken, sealingKey, auditKey, demoUpstreamKey } = JSON.parse(
    await readFile(join(dataDir.path, 'secrets.json'), 'utf8'),
  )
  const generated = [keyPepper, adminToken, sealingKey, auditKey, demoUpstreamKey]
  const canaries = [...generated, PROVIDER_KEY, STORED, WRONG_KEY, key.secret, PROMPT, said.slice(0, 40)]
  const places = [{ place: 'Redis', bytes: Buffer.from(inRedis) }, ...(await filesOf(dataDir.path))]
  expect(places.length).toBeGreaterThan(100)
  expect(places.some(({ bytes }) => bytes.includes('canaries'))).toBe(true)
  for (const canary of canaries)
    for (const { place, bytes } of [...places, { place: 'output', bytes: Buffer.from(started.output()) }])
      expect(bytes.includes(canary), `${canary.slice(0, 12)}… in ${place}`).toBe(false)
}, 60_000)

/** Every value there is, whatever its kind. */
async function redisText(): Promise<string> {
  const client = await createClient({ url: redisUrl }).connect()
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => client.get(key),
    list: (key) => client.lRange(key, 0, -1),
    hash: (key) => client.hGetAll(key),
    set: (key) => client.sMembers(key),
    zset: (key) => client.zRange(key, 0, -1),
    stream: (key) => client.xRange(key, '-', '+'),
  }
  const texts: string[] = []
  for await (const keys of client.scanIterator())
    for (const key of keys) {
      const kind = await client.type(key)
      texts.push(key, JSON.stringify(await (read[kind] ?? (() => Promise.reject(new Error(kind))))(key)))
    }
  client.destroy()
  return texts.join('\n')
}

/** All files but the two that are made for secrets. */
async function filesOf(folder: string): Promise<{ place: string; bytes: Buffer }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((it) => it.isFile() && !['secrets.json', 'first-run.json'].includes(it.name))
  return Promise.all(
    files.map(async (it) => {
      const place = join(it.parentPath, it.name)
      return { place, bytes: await readFile(place) }
    }),
  )
}
