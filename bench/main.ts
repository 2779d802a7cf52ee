/** Where `npm run bench` begins: reads the command line, takes the bench, prints and perhaps keeps the report. */
import { appendFileSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type BenchArguments, type CandidateName, HELP, readArguments } from './arguments.ts'
import { takeBench } from './bench.ts'
import { type Candidate, direct } from './candidate.ts'
import { headgate } from './gateway.ts'
import { ownTools, toolsIn } from './load-tools.ts'
import { readLoadAverage, readMachine } from './machine.ts'
import { LOAD_CORE, moveToCore } from './neighbours.ts'
import { nginx } from './nginx.ts'
import { progressLine } from './progress.ts'
import { reportText } from './report.ts'

const KEPT_REPORTS = fileURLToPath(new URL('../docs/bench.md', import.meta.url))
const CANDIDATES: Readonly<Record<CandidateName, Candidate>> = { direct, nginx, headgate }

/** Given once, at the first Ctrl-C or SIGTERM. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.exitCode = signal === 'SIGINT' ? 130 : 143
      controller.abort(new Error('interrupted: nothing was written'))
    })
  }
  return controller.signal
}

async function run(given: BenchArguments, signal: AbortSignal): Promise<void> {
  moveToCore(LOAD_CORE)
  if (given.write && !existsSync(KEPT_REPORTS)) throw new Error('--write: docs/bench.md is missing')
  const machine = readMachine(new Date())
  const tools = given.toolsFolder === null ? ownTools(LOAD_CORE) : toolsIn(given.toolsFolder, LOAD_CORE)
  const { about, missing, runs } = await takeBench({
    tools,
    candidates: given.candidates.map((name) => CANDIDATES[name]),
    groups: given.groups,
    rounds: given.rounds,
    seconds: given.seconds,
    ticksPerSecond: machine.ticksPerSecond,
    signal,
    onTaken: (taken) => console.error(progressLine(taken)),
  })
  const report = reportText({
    machine,
    loadAfter: readLoadAverage(),
    tools: tools.about,
    rounds: given.rounds,
    seconds: given.seconds,
    about,
    notes: missing,
    runs,
  })
  console.log(`\n${report}`)
  if (given.write) appendFileSync(KEPT_REPORTS, `\n${report}`)
}

const signal = interruption()
try {
  const given = readArguments(process.argv.slice(2))
  if (given.help) console.log(HELP)
  else await run(given, signal)
} catch (fault) {
  const told = signal.aborted ? signal.reason : fault
  console.error(told instanceof Error ? told.message : told)
  process.exitCode ??= 1
}
