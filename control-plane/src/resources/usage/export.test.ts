/** Files hold the same calls and the same money as the records and the sums, and do no harm in a spreadsheet. */
import type { Download } from '@headgate/admin-contract/download'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'
import { usageStore } from '../../jobs/store-usage.ts'
import type { Cell } from '../csv-line.ts'
import { downloadOf } from './table-file.ts'

const COUNT = 4_500
const span = { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' }

let it: TestPlane
let teamId: string
beforeAll(async () => {
  it = await startTestPlane()
  teamId = (await it.client.teams.create({ body: { name: '=HYPERLINK("http://evil")' } })).id
  const records = Array.from({ length: COUNT }, (_, n) =>
    usageRecord(n, { teamId: n % 3 === 0 ? teamId : 'team_gone', costNanos: n * 1_000_003 }),
  )
  await usageStore(it.db).store(records)
})
afterAll(() => it.stop())

async function textOf({ body }: Download): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces).toString('utf8')
}

const nanosOf = (amount: string) => {
  const [whole = '', fraction = ''] = amount.split('.')
  return BigInt(whole + fraction.padEnd(9, '0'))
}

const recordsAs = async (format: 'csv' | 'json' | 'ndjson' | 'sidecar', filter = {}) =>
  textOf(await it.client.usage.exportRecords({ query: { ...span, ...filter, format } }))

test('records, sums and every kind of file tell the same calls and the same money, to the nano', async () => {
  const json = JSON.parse(await recordsAs('json')) as Record<string, string>[]
  const lines = (await recordsAs('ndjson')).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual(json)
  const csv = (await recordsAs('csv')).trimEnd().split('\r\n')
  expect(csv).toHaveLength(COUNT + 1)
  expect(csv[0]).toBe(Object.keys(json[0] ?? {}).join(','))
  expect(new Set(json.map((row) => row['request_id'])).size).toBe(COUNT)
  const truth = BigInt(1_000_003) * BigInt((COUNT * (COUNT - 1)) / 2)
  expect(json.reduce((sum, row) => sum + nanosOf(row['cost'] ?? ''), 0n)).toBe(truth)
  const sums = await textOf(
    await it.client.usage.exportQuery({ query: { ...span, by: 'team', bucket: 'hour', format: 'json' } }),
  )
  const rows = JSON.parse(sums) as Record<string, string>[]
  expect(rows.reduce((sum, row) => sum + nanosOf(row['cost_usd'] ?? ''), 0n)).toBe(truth)
  expect(rows.find((row) => row['team'] === teamId)?.['team_name']).toBe('=HYPERLINK("http://evil")')
})

test('a file is sent with its name and kind, holds what the filter says, and its sidecar says the filter', async () => {
  const path = `/api/v1/usage-records/export?from=${span.from}&to=${span.to}&team_id=${teamId}`
  const answer = await it.ask('GET', path)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(answer.headers.get('content-disposition')).toMatch(
    /^attachment; filename="usage-records-[\d-]+\.csv"$/,
  )
  expect(answer.text.trimEnd().split('\r\n')).toHaveLength(COUNT / 3 + 1)
  expect(answer.text).toContain(`,${teamId},"'=HYPERLINK(""http://evil"")",`)
  const sidecar = JSON.parse(await recordsAs('sidecar', { teamId }))
  expect(sidecar.filter).toEqual({ from: span.from, to: span.to, team_id: [teamId] })
  expect(sidecar.columns.map((column: { name: string }) => column.name).join(',')).toBe(
    answer.text.split('\r\n')[0],
  )
  const none = await recordsAs('json', { teamId: 'team_none' })
  expect(JSON.parse(none)).toEqual([])
})

test('who may not read is refused before the file begins, and so is a question that is wrong', async () => {
  expect((await it.ask('GET', '/api/v1/usage-records/export', { token: null })).status).toBe(401)
  const wrong = await it.ask('GET', '/api/v1/analytics/export?bucket=minute&from=2020-01-01T00:00:00Z')
  expect([wrong.status, wrong.json.errors[0].pointer]).toEqual([400, '?bucket'])
})

test.each<[Cell, string]>([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1+1', "'-1+1"],
  ['-0.500000001', '-0.500000001'],
  [' =1+1', "' =1+1"],
  ['\u00a0=1+1', "'\u00a0=1+1"],
  ['\uff1d1+1', "'\uff1d1+1"],
  ['\uff0b1', "'\uff0b1"],
  ['\n=1', `"'\n=1"`],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['\r=x', `"'\r=x"`],
  ['a,b', '"a,b"'],
  ['say "x"\n', '"say ""x""\n"'],
  [-1, '-1'],
  [null, ''],
  ['plain = text', 'plain = text'],
])('the cell %j is written as %s', async (cell, text) => {
  const columns = [{ name: 'a', type: 'text' as const, means: '', of: () => cell }]
  async function* pages() {
    yield [null]
  }
  expect(await textOf(downloadOf({ name: 'x', columns, pages: pages(), about: {} }, 'csv'))).toBe(
    `a\r\n${text}\r\n`,
  )
})
