/** The page of metrics, from what `/metrics` of an idle data plane says. */
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
  headgate_config_version: 'Version of the catalog in force; 0 when there is none yet.',
}

/** @throws Error naming a metric that has no meaning in the table above */
export function metricsPage(): string {
  const text = dataPlaneMetrics({
    openRequests: () => 0,
    openStreams: () => 0,
    catalogVersion: () => 0,
  }).text()
  const rows = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [
    code(name),
    kind,
    meaningOf(name),
  ])
  return [
    pageHead('Metrics', '`data-plane/src/observe/metrics.ts`'),
    'The data plane shows them at `/metrics` on `HEADGATE_OPS_PORT`, in the text format of Prometheus. Labels',
    'never hold a key, a user or a text a caller wrote. The control plane has no metrics yet.\n',
    table(['Metric', 'Kind', 'Meaning'], rows),
  ].join('\n')
}

function meaningOf(name: string): string {
  const meaning = meanings[name]
  if (meaning === undefined)
    throw new Error(`${name} has no meaning in scripts/reference-pages/metrics.ts: add it`)
  return meaning
}
