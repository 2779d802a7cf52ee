/** What a stranger gets from `npm start`, from the first call to the second start. */
import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FirstRun, newDataDir, type Started, startOwn, startToFail } from './own-gateway.ts'

let dataDir: Awaited<ReturnType<typeof newDataDir>>
let started: Started

beforeAll(async () => {
  dataDir = await newDataDir()
  started = await startOwn(dataDir.path)
})

afterAll(async () => {
  await started.stop()
  await dataDir.remove()
})

test('the printed curl, pasted, streams an answer', async () => {
  const curl = /curl -N (\S+) \\\n +-H "(Authorization): (Bearer \S+)" \\\n[^\n]+\n +-d '(.+)'/.exec(
    started.output(),
  )
  expect(curl).not.toBeNull()
  const [, url, name, value, body] = curl as unknown as string[]
  const reply = await fetch(url as string, {
    method: 'POST',
    headers: { [name as string]: value as string, 'content-type': 'application/json' },
    body: body as string,
  })
  expect(reply.status).toBe(200)
  expect(reply.headers.get('content-type')).toContain('text/event-stream')
  expect(await reply.text()).toMatch(
    /data: \{.*"delta"[\s\S]*data: \[DONE\]\n\n: headgate cost=[\d.]+ currency=USD\n\n$/,
  )
})

test('first-run.json holds what a script needs, and only its owner may read it', async () => {
  const path = join(dataDir.path, 'first-run.json')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(started.firstRun).toMatchObject({
    gateway: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    adminApi: expect.stringMatching(/\/api\/v1$/),
    demoKey: expect.stringMatching(/^hg_demo_/),
  })
})

test('every call stands in Postgres with its tokens and its cost', async () => {
  const { firstRun } = started
  const client = new OpenAI({ baseURL: `${firstRun.gateway}/v1`, apiKey: firstRun.demoKey })
  const { data, response } = await client.chat.completions
    .create({ model: 'demo-chat', messages: [{ role: 'user', content: 'Count me' }] })
    .withResponse()
  const record = await usageRecord(firstRun, response.headers.get('x-request-id') as string)
  expect(record).toMatchObject({
    alias: 'demo-chat',
    outcome: 'succeeded',
    usage_source: 'reported',
    cost_state: 'priced',
    tokens: { input: data.usage?.prompt_tokens, output: data.usage?.completion_tokens },
  })
  expect(record?.['cost_nanos']).toBeGreaterThan(0)
})

test('a real account added by reference serves through the same key at once', async () => {
  const { firstRun } = started
  const admin = adminOf(firstRun)
  // The built-in provider stands for the account: same protocol, and its credential comes from the environment.
  const demo = (await admin('GET', '/resources')).data.find((it: { name: string }) => it.name === 'demo')
  const resource = await admin('POST', '/resources', {
    name: 'my-openai',
    api_style: 'openai',
    origin: demo.origin,
    secret_ref: 'env://DEMO_UPSTREAM_KEY',
  })
  const deployment = await admin('POST', '/deployments', {
    name: 'my-gpt',
    resource_id: resource.id,
    upstream_model: 'gpt-4o-mini',
  })
  const alias = await admin('POST', '/model-aliases', { name: 'gpt-4o-mini' })
  await admin('POST', '/routes', { alias_id: alias.id, tiers: [[{ deployment_id: deployment.id }]] })
  const client = new OpenAI({ baseURL: `${firstRun.gateway}/v1`, apiKey: firstRun.demoKey, maxRetries: 5 })
  await expect.poll(async () => (await client.models.list()).data.map((it) => it.id)).toContain('gpt-4o-mini')
  const answer = await client.chat.completions.create({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Hi' }],
  })
  expect(answer.choices[0]?.message.content).toBeTruthy()
})

test('SIGTERM ends it with 0, and a second start finds its data and its key again', async () => {
  const before = started.firstRun
  const embed = async () => {
    const client = new OpenAI({ baseURL: `${started.firstRun.gateway}/v1`, apiKey: before.demoKey })
    const { response } = await client.embeddings
      .create({ model: 'demo-embed', input: 'again' })
      .withResponse()
    return response.headers.get('x-request-id') as string
  }
  const first = await embed()
  expect(await started.stop()).toBe(0)
  started = await startOwn(dataDir.path)
  expect(started.firstRun.demoKey).toBe(before.demoKey)
  expect(started.firstRun.adminToken).toBe(before.adminToken)
  const second = await embed()
  expect(await usageRecord(started.firstRun, first)).toMatchObject({ outcome: 'succeeded' })
  expect(await usageRecord(started.firstRun, second)).toMatchObject({ outcome: 'succeeded' })
})

test('Postgres killed under load: callers notice nothing, and no record is lost', async () => {
  const { firstRun } = started
  const client = new OpenAI({
    baseURL: `${firstRun.gateway}/v1`,
    apiKey: await unlimitedKey(firstRun),
    maxRetries: 0,
  })
  const ids: string[] = []
  const call = async () => {
    const { response } = await client.embeddings
      .create({ model: 'demo-embed', input: 'steady' })
      .withResponse()
    ids.push(response.headers.get('x-request-id') as string)
  }
  await expect
    .poll(() =>
      call().then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  for (let i = 0; i < 200; i++) {
    if (i === 50) killPostgres(dataDir.path)
    await Promise.all([call(), call()])
  }
  expect(ids.length).toBeGreaterThan(400)
  const wanted = new Set(ids)
  await expect.poll(() => recordsOf(firstRun, wanted), { timeout: 20_000, interval: 300 }).toBe(wanted.size)
}, 60_000)

test('no secret stands in the data folder but in the two files made for them', async () => {
  const secrets = JSON.parse(await readFile(join(dataDir.path, 'secrets.json'), 'utf8'))
  const catalog = await readFile(join(dataDir.path, 'catalog.json'), 'utf8')
  for (const secret of Object.values(secrets)) expect(catalog).not.toContain(secret)
  expect((await stat(join(dataDir.path, 'secrets.json'))).mode & 0o777).toBe(0o600)
})

test('a taken port ends the start in one sentence that names the setting', async () => {
  const squatter = createServer()
  const port = await new Promise<number>((done) =>
    squatter.listen(0, '127.0.0.1', () => done((squatter.address() as { port: number }).port)),
  )
  const other = await newDataDir()
  const { code, output } = await startToFail(other.path, { HEADGATE_PORT: String(port) })
  squatter.close()
  await other.remove()
  expect(code).toBe(1)
  expect(output).toContain(`port ${port} on 127.0.0.1 is taken: set HEADGATE_PORT to another one`)
})

test('all wrong settings are told together, before anything starts', async () => {
  const other = await newDataDir()
  const { code, output } = await startToFail(other.path, {
    HEADGATE_PORT: 'seven',
    HEADGATE_ADMIN_PORT: '99999',
    HEADGATE_MODE: 'production',
  })
  await other.remove()
  expect(code).toBe(1)
  for (const name of [
    'HEADGATE_PORT',
    'HEADGATE_ADMIN_PORT',
    'HEADGATE_KEY_PEPPER',
    'HEADGATE_ADMIN_TOKEN',
    'HEADGATE_AUDIT_KEY',
  ]) {
    expect(output).toContain(name)
  }
  expect(output).not.toContain('Making a Postgres')
})

function adminOf(firstRun: FirstRun) {
  // biome-ignore lint/suspicious/noExplicitAny: replies of the admin API, read loosely by these tests alone
  return async (method: string, path: string, body?: unknown): Promise<any> => {
    const reply = await fetch(firstRun.adminApi + path, {
      method,
      headers: { authorization: `Bearer ${firstRun.adminToken}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
    return JSON.parse(text)
  }
}

/** A key of the demo app without limits, for load. */
async function unlimitedKey(firstRun: FirstRun): Promise<string> {
  const admin = adminOf(firstRun)
  const app = (await admin('GET', '/apps')).data[0]
  return (await admin('POST', '/keys', { name: 'load', app_id: app.id })).secret
}

function killPostgres(path: string): void {
  const [pid] = readFileSync(join(path, 'postgres/data/postmaster.pid'), 'utf8').split('\n')
  process.kill(Number(pid), 'SIGKILL')
}

/** How many of these calls have their record, each exactly once. */
async function recordsOf(firstRun: FirstRun, wanted: ReadonlySet<string>): Promise<number> {
  const found: string[] = []
  let cursor = ''
  do {
    const page = await adminOf(firstRun)('GET', `/usage-records?limit=200${cursor}`).catch(() => null)
    if (page === null) return -1
    for (const it of page.data) if (wanted.has(it.request_id)) found.push(it.request_id)
    cursor = page.page.has_more ? `&cursor=${page.page.next_cursor}` : ''
  } while (cursor !== '')
  expect(new Set(found).size).toBe(found.length)
  return found.length
}

/** The record of one call, once it has reached Postgres. */
async function usageRecord(
  firstRun: FirstRun,
  requestId: string,
): Promise<Record<string, unknown> | undefined> {
  for (let i = 0; i < 100; i++) {
    const { data } = await adminOf(firstRun)('GET', '/usage-records?limit=200')
    const found = data.find((it: { request_id: string }) => it.request_id === requestId)
    if (found) return found
    await new Promise((done) => setTimeout(done, 100))
  }
  return undefined
}
