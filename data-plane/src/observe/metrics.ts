/**
 * Counters of the data plane in Prometheus' text form. Written once at the end of a call from its usage
 * record; labels are bounded by contract and never hold a key, a user or a text a caller wrote.
 */
import type { UsageBacklog } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'

/** Seconds. */
const OVERHEAD_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5]

export type Gauges = {
  openRequests(): number
  openStreams(): number
  catalogVersion(): number
  backlog(): UsageBacklog
  /** What became of calls whose tokens no provider told, by outcome. */
  tokenCounts(): Readonly<Record<string, number>>
}

export type Metrics = {
  count(record: UsageRecord): void
  /** The exposition text, format 0.0.4. */
  text(): string
}

export function dataPlaneMetrics(gauges: Gauges): Metrics {
  const requests = new Map<string, number>()
  const tokens = { input: 0, output: 0 }
  const buckets = new Array<number>(OVERHEAD_BUCKETS.length).fill(0)
  const overhead = { count: 0, sumSeconds: 0 }
  let unpriced = 0
  const shadowed = new Map<string, number>()
  return {
    count: (record) => {
      const labels = `endpoint="${record.endpoint}",outcome="${record.outcome}",code="${record.errorCode ?? ''}"`
      requests.set(labels, (requests.get(labels) ?? 0) + 1)
      tokens.input += record.tokens.input
      tokens.output += record.tokens.output
      if (record.costState === 'unknown') unpriced++
      const shadowCode = record.shadowRefusal?.code
      if (shadowCode !== undefined) shadowed.set(shadowCode, (shadowed.get(shadowCode) ?? 0) + 1)
      const seconds = record.overheadMicros / 1e6
      overhead.count++
      overhead.sumSeconds += seconds
      for (let i = buckets.length - 1; i >= 0 && seconds <= (OVERHEAD_BUCKETS[i] as number); i--) {
        buckets[i] = (buckets[i] as number) + 1
      }
    },
    text: () => {
      const lines = ['# TYPE headgate_requests_total counter']
      for (const [labels, count] of requests) lines.push(`headgate_requests_total{${labels}} ${count}`)
      lines.push('# TYPE headgate_tokens_total counter')
      lines.push(`headgate_tokens_total{direction="input"} ${tokens.input}`)
      lines.push(`headgate_tokens_total{direction="output"} ${tokens.output}`)
      lines.push(
        '# TYPE headgate_unpriced_requests_total counter',
        `headgate_unpriced_requests_total ${unpriced}`,
      )
      lines.push('# TYPE headgate_shadow_refusals_total counter')
      for (const [code, count] of shadowed)
        lines.push(`headgate_shadow_refusals_total{code="${code}"} ${count}`)
      lines.push('# TYPE headgate_overhead_seconds histogram')
      for (const [i, bound] of OVERHEAD_BUCKETS.entries()) {
        lines.push(`headgate_overhead_seconds_bucket{le="${bound}"} ${buckets[i]}`)
      }
      lines.push(`headgate_overhead_seconds_bucket{le="+Inf"} ${overhead.count}`)
      lines.push(`headgate_overhead_seconds_sum ${overhead.sumSeconds}`)
      lines.push(`headgate_overhead_seconds_count ${overhead.count}`)
      lines.push('# TYPE headgate_open_requests gauge', `headgate_open_requests ${gauges.openRequests()}`)
      lines.push('# TYPE headgate_open_streams gauge', `headgate_open_streams ${gauges.openStreams()}`)
      lines.push('# TYPE headgate_config_version gauge', `headgate_config_version ${gauges.catalogVersion()}`)
      lines.push('# TYPE headgate_token_counts_total counter')
      for (const [outcome, count] of Object.entries(gauges.tokenCounts()))
        lines.push(`headgate_token_counts_total{outcome="${outcome}"} ${count}`)
      lines.push(...backlogLines(gauges.backlog()))
      return `${lines.join('\n')}\n`
    },
  }
}

function backlogLines(it: UsageBacklog): string[] {
  const gauges = {
    headgate_journal_bytes: it.bytes,
    headgate_journal_bytes_max: it.bytesMax,
    headgate_usage_records_waiting: it.waiting,
    headgate_usage_records_unconfirmed: it.unconfirmed,
  }
  const counters = {
    headgate_usage_records_lost_total: it.lost,
    headgate_journal_damaged_bytes_total: it.damagedBytes,
  }
  return [
    ...Object.entries(gauges).flatMap(([name, value]) => [`# TYPE ${name} gauge`, `${name} ${value}`]),
    ...Object.entries(counters).flatMap(([name, value]) => [`# TYPE ${name} counter`, `${name} ${value}`]),
  ]
}
