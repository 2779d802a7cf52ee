/**
 * The bench as a whole: starts upstream and candidates, takes the rounds, hands over what it saw. Everything it
 * starts is put on one stack and ended in reverse order, however it ends.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Candidate, Started } from './candidate.ts'
import type { LoadTools } from './load-tools.ts'
import { type Group, MEASURES, type Measure } from './measures.ts'
import { type Taken, type Turn, take, turnsOf } from './rounds.ts'
import { type Outcome, runOnce } from './run-once.ts'

const WARM_UP_SHARE = 1 / 3
/** How long a busy neighbour is given to finish before a discarded run is taken again. */
const REST_MS = 2000

export type BenchPlan = {
  readonly tools: LoadTools
  readonly candidates: readonly Candidate[]
  readonly groups: readonly Group[]
  readonly rounds: number
  readonly seconds: number
  readonly ticksPerSecond: number
  /** Ends the bench early: what was started is ended, and `takeBench` throws. */
  readonly signal: AbortSignal
  /** Told of each run as it is taken. */
  readonly onTaken: (taken: Taken) => void
}

export type BenchResult = {
  readonly about: readonly string[]
  /** Candidates that could not be started, and why. */
  readonly missing: readonly string[]
  readonly runs: readonly Taken[]
}

type Bench = BenchPlan & { readonly started: ReadonlyMap<string, Started>; readonly folder: string }

/**
 * Takes the whole bench, and ends all it started.
 * @throws Error when the mock upstream or the loader cannot run, or the signal is given
 */
export async function takeBench(plan: BenchPlan): Promise<BenchResult> {
  await using resources = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
  resources.defer(() => rmSync(folder, { recursive: true, force: true }))
  const upstream = await plan.tools.startUpstream()
  resources.defer(() => upstream.stop())
  const started = new Map<string, Started>()
  const missing: string[] = []
  for (const candidate of plan.candidates) {
    plan.signal.throwIfAborted()
    try {
      const own = join(folder, candidate.name)
      mkdirSync(own)
      const running = await candidate.start(upstream.port, own)
      resources.defer(() => running.stop())
      started.set(candidate.name, running)
    } catch (fault) {
      missing.push(fault instanceof Error ? fault.message : String(fault))
    }
  }
  const runs = await takeRounds({ ...plan, started, folder })
  return { about: [...started.values()].flatMap((it) => (it.about === '' ? [] : [it.about])), missing, runs }
}

async function takeRounds(bench: Bench): Promise<Taken[]> {
  const measures = MEASURES.filter((measure) => bench.groups.includes(measure.group))
  const bodyFiles = new Map(measures.map((measure, at) => [measure, writeBody(bench.folder, measure, at)]))
  const runs: Taken[] = []
  for (let round = 0; round < bench.rounds; round++) {
    for (const turn of turnsOf(round, measures, [...bench.started.keys()])) {
      const bodyFile = bodyFiles.get(turn.measure) ?? ''
      const taken = await take(turn, round, {
        run: () => runTurn(bench, turn, bodyFile),
        rest: () => sleep(REST_MS, undefined, { signal: bench.signal }),
      })
      bench.onTaken(taken)
      runs.push(taken)
    }
  }
  return runs
}

async function runTurn(bench: Bench, turn: Turn, bodyFile: string): Promise<Outcome> {
  const started = bench.started.get(turn.candidate)
  if (started === undefined) throw new Error(`no candidate is named ${turn.candidate}`)
  return runOnce(turn.measure, started, {
    tools: bench.tools,
    bodyFile,
    seconds: bench.seconds,
    warmUpSeconds: bench.seconds * WARM_UP_SHARE,
    ticksPerSecond: bench.ticksPerSecond,
    signal: bench.signal,
  })
}

function writeBody(folder: string, measure: Measure, at: number): string {
  const file = join(folder, `body-${at}.json`)
  writeFileSync(file, measure.body)
  return file
}
