/**
 * Finds the number of each record's series, making those that are new. Series are made before the transaction
 * that uses them, so that what is remembered here is surely there; a series nobody uses does no harm.
 */
import { createHash } from 'node:crypto'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import { arrayLiteral } from '../database/array-literal.ts'
import type { Database } from '../database/open.ts'
import { type Cube, cubes, dimensionColumns, MONEYLESS_CURRENCY } from '../database/rollup-tables.ts'
import { usageTags } from './usage-tags.ts'

/** Some 30 MB. When it is full it is emptied, which costs one query per series in use. */
const REMEMBERED_MAX = 200_000

const dimensions = Object.values(dimensionColumns)
const columnsOf = Object.fromEntries(
  cubes.map((cube) => [cube, dimensions.filter((column) => column.cubes.includes(cube))]),
) as Record<Cube, typeof dimensions>

/** The numbers of a record's series, one for each cube. */
export type SeriesIds = Readonly<Record<Cube, number>>

export type UsageSeries = {
  find(records: readonly UsageRecord[]): Promise<ReadonlyMap<UsageRecord, SeriesIds>>
}

type Unknown = { readonly record: UsageRecord; readonly cube: Cube }

export function usageSeries(db: Database): UsageSeries {
  const ids = new Map<string, number>()
  const tags = usageTags(db)
  return {
    find: async (records) => {
      if (ids.size > REMEMBERED_MAX) ids.clear()
      const unknown = new Map<string, Unknown>()
      const texts = (await tags.counted(records)).map((record) => {
        const its = ofCubes((cube) => textOf(record, cube))
        for (const cube of cubes) if (!ids.has(its[cube])) unknown.set(its[cube], { record, cube })
        return its
      })
      if (unknown.size > 0) await learn(db, unknown, ids)
      const idsOf = (its: Record<Cube, string>) => ofCubes((cube) => ids.get(its[cube]) as number)
      return new Map(texts.map((its, i) => [records[i] as UsageRecord, idsOf(its)]))
    },
  }
}

function ofCubes<T>(value: (cube: Cube) => T): Record<Cube, T> {
  return Object.fromEntries(cubes.map((cube) => [cube, value(cube)])) as Record<Cube, T>
}

/** Makes the series that are missing and remembers all. */
async function learn(db: Database, unknown: ReadonlyMap<string, Unknown>, ids: Map<string, number>) {
  // In the order of their signatures, so that two processes that make the same ones do not block each other.
  const wanted = [...unknown].map(([text, it]) => ({ ...it, text, signature: signatureOf(text) }))
  wanted.sort((a, b) => (a.signature < b.signature ? -1 : 1))
  const names = sql.join(dimensions.map((column) => sql.ref(column.name)))
  const values = sql.join(
    dimensions.map((column) => {
      const array = wanted.map(({ record, cube }) => (column.cubes.includes(cube) ? column.of(record) : null))
      return sql`${arrayLiteral(array)}::${sql.raw(column.type)}[]`
    }),
  )
  const signatures = wanted.map((it) => it.signature)
  await sql`insert into usage_series (signature, cube, currency, ${names})
    select * from unnest(${signatures}::uuid[], ${wanted.map((it) => it.cube)}::text[],
      ${wanted.map((it) => currencyOf(it.record))}::text[], ${values})
    on conflict (signature) do nothing`.execute(db)
  const { rows } = await sql<{ id: number; signature: string }>`
    select id, signature::text from usage_series where signature = any(${signatures}::uuid[])`.execute(db)
  const found = new Map(rows.map((row) => [row.signature, row.id]))
  for (const { text, signature } of wanted) {
    const id = found.get(signature)
    if (id === undefined) throw new Error(`the series ${signature} was made and is not there`)
    ids.set(text, id)
  }
}

function currencyOf(record: UsageRecord): string {
  return record.currency ?? MONEYLESS_CURRENCY
}

/** What a series is, as one text: no value holds the separators. */
function textOf(record: UsageRecord, cube: Cube): string {
  let text = `${cube}\n${currencyOf(record)}`
  for (const column of columnsOf[cube]) {
    const value = column.of(record)
    if (value !== null || column !== dimensionColumns.client_tag) text += `\n${value ?? '\t'}`
  }
  return text
}

function signatureOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
