/**
 * Canaries: a value of its own for every kind of secret, put through every path of the admin API, right and wrong
 * ones. None may stand in any log line, answer, column, export, publication or anchor afterwards.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ADMIN_TOKEN,
  SEALING_KEY,
  type Sent,
  startTestPlane,
  type TestPlane,
} from '../../tests/admin/harness.ts'

let it: TestPlane
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'canary-'))
  it = await startTestPlane({ anchorsFile: join(folder, 'anchors.ndjson') })
})
afterAll(async () => {
  await it.stop()
  await rm(folder, { recursive: true })
})

/** Without a known form, so that no pattern helps. */
const canary = (kind: string) => `canary of the ${kind} 0123456789`
const STORED = canary('stored-secret')
const ROTATED = canary('rotated-secret')
const TYPED = canary('wrong-field')
const TOKEN = canary('wrong-token').replaceAll(' ', '-')
/** With one, as it would be pasted into a field that takes any text. */
const PASTED = 'sk-proj-canary0123456789canary'

const answers: string[] = []
async function send(
  method: string,
  path: string,
  sent: Sent = {},
): Promise<Awaited<ReturnType<TestPlane['ask']>>> {
  const answer = await it.ask(method, `/api/v1${path}`, sent)
  answers.push(answer.text + JSON.stringify([...answer.headers]))
  return answer
}

test('no canary is found outside of the sealed columns, whatever was done with it', async () => {
  const made = await send('POST', '/secrets', {
    body: { name: 'canary', value: STORED },
    headers: { 'idempotency-key': 'canary-1' },
  })
  const repeated = await send('POST', '/secrets', {
    body: { name: 'canary', value: STORED },
    headers: { 'idempotency-key': 'canary-1' },
  })
  expect([made.status, repeated.status]).toEqual([201, 201])
  const origin = 'https://api.openai.com'
  const resource = { name: 'r', api_style: 'openai', origin, secret_ref: 'db://canary' }
  expect((await send('POST', '/resources', { body: resource })).status).toBe(201)
  const rotation = `/secrets/${made.json.id}/rotations`
  expect((await send('POST', rotation, { body: { value: ROTATED } })).status).toBe(200)
  const team = await it.client.teams.create({ body: { name: 'canary' } })
  const app = await it.client.apps.create({ body: { name: 'canary', teamId: team.id } })
  const key = await it.client.keys.create({ body: { name: 'canary', appId: app.id } })

  const items = [
    { operation: 'secrets.create', params: {}, body: { name: 'batched', value: STORED } },
    { operation: 'secrets.create', params: {}, body: { name: 'canary', value: STORED } },
    { operation: 'secrets.create', params: {}, body: { name: 'x', value: STORED, extra: TYPED } },
  ]
  await send('POST', '/batch', { body: { items } })
  await send('POST', '/batch', { body: { items, atomic: true } })
  await send('POST', '/secrets?dry_run=true', { body: { name: 'dry', value: STORED } })
  await send('POST', '/secrets', { body: { name: 'canary', value: STORED } })
  await send('POST', '/secrets', { body: { name: STORED, value: STORED } })
  await send('POST', '/secrets', { body: { name: 'x', value: STORED, [TYPED]: TYPED } })
  await send('POST', '/secrets', { body: { name: 'x', value: [STORED] } })
  await send('POST', '/secrets', { body: `{"name": "x", "value": "${STORED}"` })
  await send('POST', '/drafts', { body: { name: 'd', items: [items[0]] } })
  await send('POST', '/teams', { body: { name: PASTED } })
  await send('POST', '/teams', { body: { name: 'x', secret: TYPED } })
  await send('POST', '/resources', { body: { ...resource, name: 'y', secret_ref: TYPED } })
  await send('GET', '/teams', { token: TOKEN })
  await send('PATCH', `/teams/${team.id}`, { body: { name: key.secret } })
  await send('GET', '/audit-events/export?format=csv')
  await send('GET', '/audit-events/export?format=ndjson')
  await send('GET', '/secrets')
  await send('GET', '/secret-findings')
  await send('GET', '/audit-events/verification')
  await send('POST', '/audit-anchors')
  await send('GET', '/catalog/versions/1')

  const document = await it.ports.catalogFeed.newerThan(0)
  expect(document?.sealedSecrets.map(({ name }) => name)).toEqual(['canary'])
  const places: Record<string, string> = {
    answers: answers.join('\n'),
    log: JSON.stringify(it.logLines),
    publication: JSON.stringify(document),
    anchors: await readFile(join(folder, 'anchors.ndjson'), 'utf8'),
    columns: await everyColumn(),
  }
  expect(places['columns']).toContain('secret.rotated')
  const canaries = [STORED, ROTATED, TYPED, TOKEN, PASTED, key.secret, key.secret.slice(8, -6)]
  for (const [place, text] of Object.entries(places))
    for (const secret of [...canaries, SEALING_KEY, ADMIN_TOKEN])
      for (const form of [
        secret,
        Buffer.from(secret).toString('base64').slice(0, 24),
        encodeURIComponent(secret),
      ])
        expect(text.includes(form), `${form.slice(0, 12)}… in ${place}`).toBe(false)
})

async function everyColumn(): Promise<string> {
  const tables = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = 'public'`.execute(it.db)
  const texts: string[] = []
  for (const { name } of tables.rows) {
    const rows = await sql<{ row: string }>`select t::text as row from ${sql.table(name)} t`.execute(it.db)
    texts.push(...rows.rows.map(({ row }) => row))
  }
  return texts.join('\n')
}
