/** A Parquet file holds what the other files hold, with types, as readers that are not of the writer's making see it. */
import type { Download } from '@headgate/admin-contract/download'
import { DataType, TimeUnit, tableFromIPC } from 'apache-arrow'
import fc from 'fast-check'
import { readParquet } from 'parquet-wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'
import { rounds } from '../../../../tests/servers/rounds.ts'
import { runNext } from '../../jobs/run-exports.ts'
import { usageStore } from '../../jobs/store-usage.ts'
import type { Cell } from '../csv-line.ts'
import type { CellType } from './file-column.ts'
import { downloadOf } from './table-file.ts'

const COUNT = 23_000
const span = { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' }

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
  const records = Array.from({ length: COUNT }, (_, n) =>
    usageRecord(n, {
      ...(n % 7 === 0 && { costNanos: null, costState: 'unknown', currency: null }),
      ...(n % 7 !== 0 && { costNanos: 100_000_000_000_003 - n }),
      ...{ clientTag: n % 2 === 0 ? 'acme' : null, firstByteMs: n % 3 === 0 ? null : n },
    }),
  )
  await usageStore(it.db).store(records)
})
afterAll(() => it.stop())

async function bytesOf({ body }: Download): Promise<{ bytes: Buffer; pieces: number }> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece))
  return { bytes: Buffer.concat(pieces), pieces: pieces.length }
}

/** Through Rust's implementation and Arrow's. */
const tableOf = (bytes: Uint8Array) => tableFromIPC(readParquet(bytes).intoIPCStream())

/** Little-endian words of a 128-bit number in two's complement. */
function unscaled(words: Uint32Array): bigint {
  return BigInt.asIntN(
    128,
    [...words].reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n),
  )
}

/** A cell as the JSON of the other formats has it. */
function cellOf(type: DataType, value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (DataType.isDecimal(type)) {
    const nanos = unscaled(value as Uint32Array)
    const text = String(nanos < 0n ? -nanos : nanos).padStart(10, '0')
    return `${nanos < 0n ? '-' : ''}${text.slice(0, -9)}.${text.slice(-9)}`
  }
  if (typeof value === 'bigint') return Number(value)
  if (DataType.isTimestamp(type)) return new Date(Number(value)).toISOString()
  return value as Cell
}

type Rows = Record<string, Cell>[]

function rowsOf(bytes: Uint8Array): Rows {
  const table = tableOf(bytes)
  const columns = table.schema.fields.map(({ name, type }) => ({ name, type, vector: table.getChild(name) }))
  return Array.from({ length: table.numRows }, (_, i) =>
    Object.fromEntries(columns.map(({ name, type, vector }) => [name, cellOf(type, vector?.get(i))])),
  )
}

/** Decimals of one length, as a reader of decimals sees them. */
function withNanos(rows: Rows, money: readonly string[]): Rows {
  const padded = (text: string) => {
    const [whole = '', fraction = ''] = text.split('.')
    return `${whole}.${fraction.padEnd(9, '0')}`
  }
  return rows.map((row) => {
    const changed = money.map((name) => [name, typeof row[name] === 'string' ? padded(row[name]) : row[name]])
    return { ...row, ...Object.fromEntries(changed) }
  })
}

test('records read back are those of the other formats, and the types are those that the guide names', async () => {
  const file = await it.client.usage.exportRecords({ query: { ...span, format: 'parquet' } })
  expect(file.fileName).toMatch(/^usage-records-[\d-]+\.parquet$/)
  const { bytes } = await bytesOf(file)
  const plain = await bytesOf(await it.client.usage.exportRecords({ query: { ...span, format: 'json' } }))
  const json = JSON.parse(plain.bytes.toString('utf8')) as Rows
  expect(json).toHaveLength(COUNT)
  const rows = rowsOf(bytes)
  expect(rows.length).toBe(COUNT)
  const expected = withNanos(json, ['cost'])
  for (const at of [0, 1, 9_999, 10_000, COUNT - 1]) expect(rows[at]).toEqual(expected[at])
  expect(rows.every((row, at) => JSON.stringify(row) === JSON.stringify(expected[at]))).toBe(true)
  const { fields } = tableOf(bytes).schema
  const typeOf = (name: string) => fields.find((field) => field.name === name)?.type as DataType
  expect(String(typeOf('input_tokens'))).toBe('Int64')
  expect(typeOf('cost')).toMatchObject({ precision: 38, scale: 9, bitWidth: 128 })
  expect(typeOf('started_at')).toMatchObject({ unit: TimeUnit.MICROSECOND, timezone: 'UTC' })
  expect(String(typeOf('stream'))).toBe('Bool')
  expect(fields.every((field) => field.nullable)).toBe(true)
})

test('sums read back are those of the other formats, percentiles and earlier spans included', async () => {
  const query = {
    ...span,
    by: 'team,client_tag',
    bucket: 'hour',
    latency: 'true',
    compare: 'previous_period',
  } as const
  const file = await bytesOf(await it.client.usage.exportQuery({ query: { ...query, format: 'parquet' } }))
  const plain = await bytesOf(await it.client.usage.exportQuery({ query: { ...query, format: 'json' } }))
  const json = JSON.parse(plain.bytes.toString('utf8')) as Rows
  expect(json.length).toBeGreaterThan(10)
  expect(rowsOf(file.bytes)).toEqual(withNanos(json, ['cost_usd', 'previous_cost_usd']))
})

test('the sidecar tells the type of every column of the file', async () => {
  const sidecar = await bytesOf(
    await it.client.usage.exportRecords({ query: { ...span, format: 'sidecar' } }),
  )
  const file = await bytesOf(await it.client.usage.exportRecords({ query: { ...span, format: 'parquet' } }))
  const { columns } = JSON.parse(sidecar.bytes.toString('utf8')) as {
    columns: { name: string; type: string }[]
  }
  const { fields } = tableOf(file.bytes).schema
  expect(columns.map((column) => column.name)).toEqual(fields.map((field) => field.name))
  const types = new Map(columns.map((column) => [column.name, column.type]))
  expect([types.get('cost'), types.get('started_at'), types.get('attempt')]).toEqual([
    'money',
    'instant',
    'integer',
  ])
})

test('an export in the background writes the same bytes in parts', async () => {
  const question = `from=${span.from}&to=${span.to}`
  const made = await it.client.exports.create({ body: { kind: 'records', format: 'parquet', question } })
  const plan = {
    db: it.db,
    scopedTo: () => it.db,
    log: () => {},
    fixedSettings: {},
    clock: { nowMs: () => Date.now() },
  }
  await runNext(plan, new AbortController().signal)
  await expect
    .poll(async () => (await it.client.exports.read({ params: { exportId: made.id } })).state, {
      timeout: 20_000,
    })
    .toBe('done')
  const file = await it.client.exports.download({ params: { exportId: made.id } })
  expect(file).toMatchObject({
    fileName: `${made.id}.parquet`,
    contentType: 'application/vnd.apache.parquet',
  })
  const whole = await it.client.usage.exportRecords({ query: { ...span, format: 'parquet' } })
  expect((await bytesOf(file)).bytes.equals((await bytesOf(whole)).bytes)).toBe(true)
})

type Table = { readonly type: CellType; readonly cells: readonly Cell[] }
const nothing = fc.constant(null)
const money = fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map((nanos) => {
  const text = String(nanos < 0n ? -nanos : nanos).padStart(10, '0')
  return `${nanos < 0n ? '-' : ''}${text.slice(0, -9)}.${text.slice(-9)}`
})
const tables: fc.Arbitrary<Table> = fc.oneof(
  fc.record({ type: fc.constant('money' as const), cells: fc.array(fc.oneof(nothing, money)) }),
  fc.record({
    type: fc.constant('text' as const),
    cells: fc.array(fc.oneof(nothing, fc.string({ unit: 'grapheme' }))),
  }),
  fc.record({
    type: fc.constant('integer' as const),
    cells: fc.array(fc.oneof(nothing, fc.maxSafeInteger())),
  }),
  fc.record({ type: fc.constant('boolean' as const), cells: fc.array(fc.oneof(nothing, fc.boolean())) }),
)

test('any cells come back as they were, in pages of any size', async () => {
  await fc.assert(
    fc.asyncProperty(tables, fc.integer({ min: 1, max: 5 }), async ({ type, cells }, size) => {
      async function* pages() {
        for (let at = 0; at < cells.length; at += size) yield cells.slice(at, at + size)
      }
      const columns = [{ name: 'a', type, means: '', of: (cell: Cell) => cell }]
      const file = await bytesOf(downloadOf({ name: 'x', columns, pages: pages(), about: {} }, 'parquet'))
      expect(rowsOf(file.bytes).map((row) => row['a'])).toEqual(cells)
    }),
    { numRuns: rounds(200) },
  )
})

test('a file of many rows leaves in row groups, and is never whole in memory', async () => {
  async function* pages() {
    for (let page = 0; page < 25; page++) yield Array.from({ length: 2_000 }, (_, n) => page * 2_000 + n)
  }
  const columns = [{ name: 'n', type: 'integer' as const, means: '', of: (n: number) => n }]
  const { bytes, pieces } = await bytesOf(
    downloadOf({ name: 'x', columns, pages: pages(), about: {} }, 'parquet'),
  )
  expect(pieces).toBe(6)
  expect(rowsOf(bytes).map((row) => row['n'])).toEqual(Array.from({ length: 50_000 }, (_, n) => n))
})
