/** The key of the account is in no log, no answer and no column, and goes over no wire, whatever goes wrong. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane, until } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { type CosmosFake, startCosmosFake } from './cosmos-fake.ts'
import { COSMOS_KEY, type SinkWorld, sinkOn, sinkWorld } from './world.ts'

let fake: CosmosFake
let plane: TestPlane
let it: SinkWorld
beforeAll(async () => {
  fake = await startCosmosFake({ key: COSMOS_KEY })
  fake.container = null
  plane = await startTestPlane({ ports: { sinks: [sinkOn(fake, COSMOS_KEY)] } })
  it = await sinkWorld(plane.databaseUrl)
})
afterAll(async () => {
  await plane.stop()
  await it.close()
  await fake.close()
})

test('a canary in the place of the key is found nowhere', async () => {
  const state = async () => (await plane.client.sinks.list()).data[0]?.state
  const answers: string[] = []
  await until(async () => (await state()) === 'failing', 'the missing container to be told of')
  answers.push((await plane.ask('GET', '/api/v1/sinks')).text)
  expect(answers[0]).toContain('docs/guides/sinks.md')
  fake.container = { partitionKey: { paths: ['/partition'], kind: 'Hash' } }
  const fates = [
    { status: 401 },
    { status: 403 },
    { status: 500 },
    'cut',
    { status: 429, retryAfterMs: 1 },
  ] as const
  let nth = 0
  fake.fate = () => {
    nth += 1
    return fates[nth - 1] ?? 'serve'
  }
  await it.usage.store([usageRecord(1), usageRecord(2)])
  await until(() => fake.items.size === 2, 'the records')
  await until(async () => (await state()) === 'running', 'it to be well again')
  answers.push((await plane.ask('GET', '/api/v1/sinks')).text, (await plane.ask('GET', '/metrics')).text)
  const tables = await it.query(`select table_name as name from information_schema.tables
    where table_schema = 'public'`)
  const columns: string[] = []
  for (const { name } of tables)
    columns.push(...(await it.query(`select t::text as row from "${name}" t`)).map(({ row }) => String(row)))
  const places = {
    answers: answers.join('\n'),
    log: JSON.stringify([...plane.logLines, ...it.logLines]),
    columns: columns.join('\n'),
    wire: fake.authorizations.join('\n'),
  }
  expect(places.columns).toContain('Cosmos DB answers')
  expect(places.log).toContain('a sink cannot be fed')
  const plain = Buffer.from(COSMOS_KEY, 'base64').toString()
  for (const [place, text] of Object.entries(places))
    for (const form of [COSMOS_KEY, encodeURIComponent(COSMOS_KEY), plain, 'a-part-of-a-secret'])
      expect(text.includes(form), `${form.slice(0, 8)}… in ${place}`).toBe(false)
})
