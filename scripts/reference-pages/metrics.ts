/** The page of metrics, from what `/metrics` of an idle data plane and a control plane without sinks says. */
import { sinkMetrics } from '@headgate/control-plane/http/metrics'
import { dataPlaneMetrics } from '@headgate/data-plane/observe/metrics'
import { code, pageHead, table } from './markdown.ts'

/** What each metric says. One without a line here stops the script. */
const meanings: Readonly<Record<string, string>> = {
  headgate_requests_total: 'Calls that ended, by `endpoint`, `outcome` and error `code` (empty when none).',
  headgate_tokens_total: 'Tokens used, by `direction`: `input`, `output`.',
  headgate_unpriced_requests_total:
    'Calls that used tokens of a model without a price. Their cost is unknown.',
  headgate_shadow_refusals_total: 'Calls that a policy in shadow mode would have refused, by error `code`.',
  headgate_overhead_seconds: "The gateway's own share of the time of a call.",
  headgate_open_requests: 'Requests under way.',
  headgate_open_streams: 'Streams under way.',
  headgate_journal_bytes: 'Bytes of the usage journal on the local disk.',
  headgate_journal_bytes_max: '`HEADGATE_JOURNAL_BYTES_MAX`. Alarm at 70 % of it.',
  headgate_usage_records_waiting: 'Usage records that have not left this gateway yet.',
  headgate_usage_records_unconfirmed:
    'Usage records that left and are not committed by the control plane yet.',
  headgate_usage_records_lost_total: 'Usage records given up because there was no room for them anywhere.',
  headgate_journal_damaged_bytes_total: 'Bytes of the usage journal that could not be read at the start.',
  headgate_token_counts_total:
    'Calls whose tokens no provider told, by `outcome`: `counted`; or why the estimate stands: `given_up`, `late`, `full`, `died`.',
  headgate_sink_lag_seconds: 'How long the oldest of what a `sink` is still to be given has been stored.',
  headgate_sink_up: '1 while a `sink` is fed; 0 when its last try failed or no process feeds it.',
  headgate_sink_records_total: 'Usage records that a `sink` was given.',
  headgate_sink_corrections_total: 'Corrections of costs that a `sink` was given.',
  headgate_sink_put_aside:
    'What a `sink` refused and is put aside, until it is taken after all or forgotten.',
  headgate_sink_missed_total: 'What a `sink` was not given because it was no longer kept.',
  headgate_config_version: 'Version of the catalog in force; 0 when there is none yet.',
}

/** @throws Error naming a metric that has no meaning in the table above */
export function metricsPage(): string {
  const text = dataPlaneMetrics({
    openRequests: () => 0,
    openStreams: () => 0,
    catalogVersion: () => 0,
    backlog: () => ({ bytes: 0, bytesMax: 0, waiting: 0, unconfirmed: 0, lost: 0, damagedBytes: 0 }),
    tokenCounts: () => ({}),
  }).text()
  return [
    pageHead('Metrics', '`data-plane/src/observe/metrics.ts`'),
    'The data plane shows them at `/metrics` on `HEADGATE_OPS_PORT`, in the text format of Prometheus. Labels',
    'never hold a key, a user or a text a caller wrote.\n',
    tableOf(text),
    'The control plane shows those of [sinks](../guides/sinks.md) at `/metrics` on `HEADGATE_ADMIN_PORT`, to anybody who',
    'reaches that port. They are read from Postgres, so all control planes tell the same.\n',
    tableOf(sinkMetrics([])),
  ].join('\n')
}

function tableOf(text: string): string {
  const rows = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [
    code(name),
    kind,
    meaningOf(name),
  ])
  return table(['Metric', 'Kind', 'Meaning'], rows)
}

function meaningOf(name: string): string {
  const meaning = meanings[name]
  if (meaning === undefined)
    throw new Error(`${name} has no meaning in scripts/reference-pages/metrics.ts: add it`)
  return meaning
}
