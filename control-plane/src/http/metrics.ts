/**
 * Figures of the control plane in Prometheus' text form: those of sinks, as Postgres has them, so every process
 * tells the same. Asked at most once a second, however often somebody scrapes.
 */
import type { Clock } from '@headgate/domain/ports'
import type { Sink } from '@headgate/domain/sink'
import type { Database } from '../database/open.ts'
import { selectSinks, sinkOf } from '../database/usage-sinks.ts'

const FRESH_MS = 1_000

type SinkFigures = Pick<
  Sink,
  'name' | 'state' | 'lagSeconds' | 'recordsSent' | 'correctionsSent' | 'putAside' | 'missed'
>

const gauges: Readonly<Record<string, (sink: SinkFigures) => number>> = {
  headgate_sink_lag_seconds: (it) => it.lagSeconds,
  headgate_sink_put_aside: (it) => it.putAside,
  headgate_sink_up: (it) => (it.state === 'stopped' || it.state === 'failing' ? 0 : 1),
}
const counters: Readonly<Record<string, (sink: SinkFigures) => number>> = {
  headgate_sink_records_total: (it) => it.recordsSent,
  headgate_sink_corrections_total: (it) => it.correctionsSent,
  headgate_sink_missed_total: (it) => it.missed,
}

/** The exposition text, format 0.0.4. Sinks are named in the settings, so there are few. */
export function sinkMetrics(sinks: readonly SinkFigures[]): string {
  const lines = (kind: string, figures: typeof gauges) =>
    Object.entries(figures).flatMap(([name, of]) => [
      `# TYPE ${name} ${kind}`,
      ...sinks.map((sink) => `${name}{sink="${sink.name}"} ${of(sink)}`),
    ])
  return `${[...lines('gauge', gauges), ...lines('counter', counters)].join('\n')}\n`
}

/** @returns what reads the text; it rejects with what the database said */
export function metricsReader(db: Database, clock: Clock): () => Promise<string> {
  let readMs = Number.NEGATIVE_INFINITY
  let last = Promise.resolve('')
  return () => {
    if (clock.monotonicMs() - readMs > FRESH_MS) {
      readMs = clock.monotonicMs()
      last = selectSinks(db)
        .orderBy('name')
        .execute()
        .then((rows) => sinkMetrics(rows.map(sinkOf)))
    }
    return last
  }
}
