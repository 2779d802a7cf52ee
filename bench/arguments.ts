/** The command line of the bench, read and checked; all faults are told together. */
import { parseArgs } from 'node:util'
import type { Group } from './measures.ts'

export const HELP = `npm run bench -- [options]          (or: node bench/main.ts [options])

Measures what the gateway costs beside nginx proxy_pass and beside no gateway at all.

  --rounds N        rounds to take; every figure is a median over them (default 5)
  --seconds S       length of each run, after a warm-up of a third of it (default 5)
  --only LIST       of json, large, open, sse: the groups to measure (default all)
  --candidates LIST of direct, nginx, headgate (default all)
  --tools DIR       use the prebuilt programs mock and probe in DIR instead of our own loader and upstream
  --quick           one round of one-second runs: shows that everything works, measures nothing
  --write           append the report to docs/bench.md
  --help            this text

It needs Linux with two cores and taskset, nginx (apt-get install -y nginx-light) and redis-server. The gateway
under test runs on core 0, everything else on core 1. How to read the tables: docs/bench.md.
`

const GROUPS: readonly Group[] = ['json', 'large', 'open', 'sse']
const CANDIDATES = ['direct', 'nginx', 'headgate'] as const
const ROUNDS_MAX = 1000
const SECONDS_MAX = 3600

export type CandidateName = (typeof CANDIDATES)[number]

export type BenchArguments = {
  readonly help: boolean
  readonly rounds: number
  readonly seconds: number
  readonly groups: readonly Group[]
  readonly candidates: readonly CandidateName[]
  readonly toolsFolder: string | null
  readonly write: boolean
}

const OPTIONS = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string' },
  candidates: { type: 'string' },
  tools: { type: 'string' },
  quick: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/**
 * Reads the command line.
 * @throws Error whose message names every fault, one per line
 */
export function readArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false })
  const faults: string[] = []
  const whole = (name: 'rounds' | 'seconds', otherwise: number, max: number) => {
    const text = values[name] ?? String(otherwise)
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= 1 && number <= max) return number
    faults.push(`--${name} must be a whole number from 1 to ${max}, not "${text}"`)
    return otherwise
  }
  const listed = <T extends string>(name: 'only' | 'candidates', known: readonly T[]): readonly T[] => {
    const names = values[name]?.split(',') ?? known
    for (const unknown of names.filter((it) => !known.some((name) => name === it))) {
      faults.push(`--${name} knows ${known.join(', ')}, not "${unknown}"`)
    }
    return known.filter((it) => names.includes(it))
  }
  const read = {
    help: values.help,
    rounds: whole('rounds', values.quick ? 1 : 5, ROUNDS_MAX),
    seconds: whole('seconds', values.quick ? 1 : 5, SECONDS_MAX),
    groups: listed('only', GROUPS),
    candidates: listed('candidates', CANDIDATES),
    toolsFolder: values.tools ?? null,
    write: values.write,
  }
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return read
}
