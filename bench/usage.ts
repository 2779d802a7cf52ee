/**
 * How fast usage is stored, how much room it takes, and how long answers about it take, on a Postgres of your own:
 * `node bench/usage.ts --url postgres://… --load` and then `--ask`. The database is filled, so give it an empty one.
 */
import { parseArgs } from 'node:util'
import { migrate } from '@headgate/control-plane/database/migrate'
import { openDatabase } from '@headgate/control-plane/database/open'
import { registerSink } from '@headgate/control-plane/database/usage-sinks'
import { idSource } from '@headgate/domain/id'
import pg from 'pg'
import { lastDays, loadUsage } from './load-usage.ts'
import { machineLines, readMachine } from './machine.ts'
import { timeQuestions } from './query-usage.ts'

const HELP = `node bench/usage.ts --url URL [--load] [--ask] [options]

  --load        fill the database through the store that the drain uses
  --ask         time the questions of dashboards over the last 30 days
  --calls N     how many calls the 30 days hold (default 10 000 000)
  --part I/N    load the I-th of N parts only, so that a long load can be done in turns (default 1/1)
  --sink        switch on a sink that nobody feeds, so that what it is to be given is written as well
  --lanes N     how many batches are stored at once (default 2)
  --rounds N    how often each question is asked (default 20)
`
const DAYS = 30
const DAY_MS = 24 * 60 * 60 * 1000

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    load: { type: 'boolean', default: false },
    ask: { type: 'boolean', default: false },
    sink: { type: 'boolean', default: false },
    calls: { type: 'string', default: '10000000' },
    part: { type: 'string', default: '1/1' },
    lanes: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '20' },
  },
})

const say = (line: string) => void process.stdout.write(`${line}\n`)

async function main(url: string): Promise<void> {
  const machine = readMachine(new Date())
  say(`${machine.date}, commit ${machine.commit}, load ${machine.loadAverage}`)
  for (const line of machineLines(machine)) say(line)
  await migrate(url, () => {})
  if (values.sink) await switchOnSink(url)
  if (values.load) await load(url)
  if (!values.ask) return
  const nowMs = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS
  say('| question | p50 ms | p95 ms | sums |\n|---|---|---|---|')
  for (const { question, p50Ms, p95Ms, sums } of await timeQuestions(url, Number(values.rounds), nowMs))
    say(`| ${question} | ${p50Ms} | ${p95Ms} | ${sums} |`)
}

async function switchOnSink(url: string): Promise<void> {
  const { db, close } = openDatabase({
    ...{ url, name: 'headgate-load', statementTimeoutMs: 15_000, connectionsMax: 1, log: () => {} },
  })
  const sink = { name: 'bench', kind: 'none', target: 'nowhere', from: null }
  const nowMs = Date.now()
  const made = { id: idSource()('snk', nowMs), now: new Date(nowMs).toISOString(), lagSecondsMax: 900 }
  await registerSink(db, sink, made)
  await close()
}

async function load(url: string): Promise<void> {
  const [part = 1, parts = 1] = values.part.split('/').map(Number)
  const span = lastDays(DAYS, Number(values.calls), Date.now())
  const share = { from: (part - 1) / parts, to: part / parts }
  const { stored, perSecond } = await loadUsage({ url, span, ...share, lanes: Number(values.lanes), say })
  say(`stored ${stored} calls, ${perSecond} a second`)
  await tellSizes(url)
}

async function tellSizes(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('vacuum analyze')
  const { rows } = await client.query<Record<string, string>>(`
    select regexp_replace(relname, '_([0-9]{8}|default)$', '') as name, sum(greatest(reltuples, 0))::int8 as rows,
      (sum(pg_table_size(oid)) / 1e6)::int as mb, (sum(pg_indexes_size(oid)) / 1e6)::int as index_mb
    from pg_class where relkind = 'r' and relname like 'usage%'
    group by 1 having sum(greatest(reltuples, 0)) > 0 order by 3 desc`)
  say('| table | rows | MB | MB of indexes |\n|---|---|---|---|')
  for (const row of rows) say(`| ${Object.values(row).join(' | ')} |`)
  await client.end()
}

if (values.url === undefined || !(values.load || values.ask)) say(HELP)
else await main(values.url)
