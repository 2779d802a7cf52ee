/**
 * The report turns runs into tables: cost per request, latency added, cost per streamed chunk. A row with an
 * error, a non-2xx answer or a queue at the end shows those and no figures, since its figures describe another
 * load than the one asked for.
 */
import { type Machine, machineLines } from './machine.ts'
import type { Measure } from './measures.ts'
import { NEIGHBOUR_MAX } from './neighbours.ts'
import { costUs, countOf, faultsOf, median, perRound, type Taken } from './rounds.ts'
import type { Outcome } from './run-once.ts'
import { markdownTable, spread } from './table.ts'

/** A gateway core less full than this was not the bottleneck: the loader was. */
const FULL_SHARE = 0.85

const YARDSTICK = 'nginx'
const FAULT_HEADERS = ['errors', 'non-2xx', 'queued', 'rounds']

export type Report = {
  readonly machine: Machine
  readonly loadAfter: string
  readonly tools: string
  readonly rounds: number
  readonly seconds: number
  readonly about: readonly string[]
  /** What the reader should know before believing a figure, each one sentence. */
  readonly notes: readonly string[]
  readonly runs: readonly Taken[]
}

/** The whole report as Markdown. */
export function reportText(report: Report): string {
  const { runs } = report
  const taken = runs.filter((run) => run.outcome !== null).length
  const thrownAway = runs.reduce((sum, run) => sum + run.discarded.length, 0)
  const rule = `${NEIGHBOUR_MAX.gatewayCore * 100} % of core 0 or ${NEIGHBOUR_MAX.loadCore * 100} % of core 1`
  return [
    `## ${report.machine.date}, commit ${report.machine.commit}`,
    '',
    ...machineLines(report.machine).map((line) => `- ${line}`),
    `- load average before ${report.machine.loadAverage}, after ${report.loadAfter}`,
    `- ${report.about.join('; ')}; load tools: ${report.tools}`,
    `- ${report.rounds} rounds of ${report.seconds} s runs; ${taken} of ${runs.length} runs kept, ` +
      `${thrownAway} discarded because others used more than ${rule}`,
    ...report.notes.map((note) => `- **Note:** ${note}`),
    ...unfilledNotes(runs).map((note) => `- **Note:** ${note}`),
    '',
    ...[costTable(runs), latencyTable(runs), streamTable(runs)].filter((table) => table !== null),
  ].join('\n')
}

function costTable(runs: readonly Taken[]): string | null {
  const headers = [
    'closed loop',
    'through',
    'requests/s',
    'CPU µs/request',
    '× nginx',
    'core 0 used',
    ...FAULT_HEADERS,
  ]
  return tableOf({ headers, shape: 'closed' }, runs, (measure, own) => [
    spread(
      figures(own, (it) => countOf(measure, it) / it.seconds),
      0,
    ),
    ...costCells(measure, own, runs),
  ])
}

function streamTable(runs: readonly Taken[]): string | null {
  const headers = [
    ...['streams', 'through', 'chunks/s', 'CPU µs/chunk', '× nginx', 'core 0 used'],
    ...['first byte p50 ms', 'chunk transit p50 ms', 'chunk transit p99 ms', ...FAULT_HEADERS],
  ]
  return tableOf({ headers, shape: 'streams' }, runs, (measure, own) => [
    spread(
      figures(own, (it) => countOf(measure, it) / it.seconds),
      0,
    ),
    ...costCells(measure, own, runs),
    spread(
      figures(own, (it) => (it.load.firstByte.count === 0 ? null : it.load.firstByte.p50Us / 1000)),
      2,
    ),
    spread(
      figures(own, (it) => it.load.chunkTransit.p50Us / 1000),
      2,
    ),
    spread(
      figures(own, (it) => it.load.chunkTransit.p99Us / 1000),
      2,
    ),
  ])
}

function latencyTable(runs: readonly Taken[]): string | null {
  const headers = [
    'open loop',
    'through',
    'added p50 ms',
    'added p95 ms',
    'added p99 ms',
    'p50 / p95 / p99 ms',
    ...FAULT_HEADERS,
  ]
  return tableOf({ headers, shape: 'open' }, runs, (measure, own, candidate) => {
    const straight = runs.filter((run) => run.measure === measure && run.pairedWith === candidate)
    const added = (quantile: 'p50Us' | 'p95Us' | 'p99Us') =>
      spread(
        perRound(
          own,
          straight,
          (it, bare) => (it.load.latency[quantile] - bare.load.latency[quantile]) / 1000,
        ),
        2,
      )
    const whole = (quantile: 'p50Us' | 'p95Us' | 'p99Us') =>
      median(figures(own, (it) => it.load.latency[quantile] / 1000)).toFixed(2)
    const none = candidate === 'direct' || straight.length === 0 || faultsOf(straight).void
    return [
      ...(none ? ['–', '–', '–'] : [added('p50Us'), added('p95Us'), added('p99Us')]),
      `${whole('p50Us')} / ${whole('p95Us')} / ${whole('p99Us')}`,
    ]
  })
}

function costCells(measure: Measure, own: readonly Taken[], runs: readonly Taken[]): string[] {
  const yardstick = runs.filter((run) => run.measure === measure && run.candidate === YARDSTICK)
  const ratios = faultsOf(yardstick).void
    ? []
    : perRound(own, yardstick, (it, bare) => {
        const [cost, yard] = [costUs(measure, it), costUs(measure, bare)]
        return cost === null || yard === null ? null : cost / yard
      })
  return [
    spread(
      figures(own, (it) => costUs(measure, it)),
      1,
    ),
    spread(ratios, 2),
    spread(
      figures(own, (it) => (it.use.gatewayShare === 0 ? null : it.use.gatewayShare)),
      2,
    ),
  ]
}

/** One row per measure of a shape and candidate; null when the bench took none of that shape. */
function tableOf(
  { headers, shape }: { headers: readonly string[]; shape: Measure['shape'] },
  runs: readonly Taken[],
  cells: (measure: Measure, own: readonly Taken[], candidate: string) => string[],
): string | null {
  const ofShape = runs.filter((run) => run.measure.shape === shape)
  if (ofShape.length === 0) return null
  const rows: string[][] = []
  for (const measure of new Set(ofShape.map((run) => run.measure))) {
    const ofMeasure = ofShape.filter((run) => run.measure === measure)
    for (const candidate of new Set(ofMeasure.map((run) => run.candidate))) {
      const own = ofMeasure.filter((run) => run.candidate === candidate)
      const faults = faultsOf(own)
      const kept = own.filter((run) => run.outcome !== null).length
      const figuresOrNot = faults.void
        ? ['void']
        : kept === 0
          ? ['all disturbed']
          : cells(measure, own, candidate)
      const padded = headers.slice(2, -FAULT_HEADERS.length).map((_, at) => figuresOrNot[at] ?? '')
      const counts = [faults.errors, faults.non2xx, faults.queued, kept].map(String)
      rows.push([measure.title, candidate, ...padded, ...counts])
    }
  }
  return `${markdownTable(headers, rows)}\n`
}

function figures(runs: readonly Taken[], figure: (outcome: Outcome) => number | null): number[] {
  return runs.flatMap(({ outcome }) => {
    const value = outcome === null ? null : figure(outcome)
    return value === null ? [] : [value]
  })
}

/** Where the loader, not the gateway, set the pace of a closed loop: such a cost per request reads too high. */
function unfilledNotes(runs: readonly Taken[]): string[] {
  const closed = runs.filter((run) => run.measure.shape === 'closed' && run.candidate !== 'direct')
  const notes: string[] = []
  for (const measure of new Set(closed.map((run) => run.measure))) {
    for (const candidate of new Set(closed.map((run) => run.candidate))) {
      const own = closed.filter((run) => run.measure === measure && run.candidate === candidate)
      const share = median(figures(own, (it) => it.use.gatewayShare))
      if (!(share < FULL_SHARE)) continue
      const effect = candidate === YARDSTICK ? ', so the ratios to it flatter the others' : ''
      notes.push(
        `${measure.title}: the load tools could not fill ${candidate} (core 0 used ${share.toFixed(2)}). ` +
          `An unfilled core costs more per request${effect}.`,
      )
    }
  }
  return notes
}
