/** Rounds of reservations: at each pace once with the ledger and once without, in turns; the difference is its cost. */
import { fileURLToPath } from 'node:url'
import { startChild } from './child.ts'
import type { LedgerLoadPlan, LedgerLoadResult } from './ledger-load.ts'
import { markdownTable, spread } from './table.ts'

const PROCESS = fileURLToPath(new URL('./ledger-load.ts', import.meta.url))
const PATIENCE_MS = 30_000
const WARM_UP_SHARE = 1 / 3

type LedgerRoundsPlan = {
  readonly url: string
  /** Calls per second, each measured for itself. */
  readonly paces: readonly number[]
  /** Where the gateway's part runs; null leaves it to the kernel. */
  readonly core: number | null
  readonly flags: readonly string[]
  readonly rounds: number
  readonly seconds: number
}

export type LedgerRound = {
  readonly pace: number
  readonly bare: LedgerLoadResult
  readonly full: LedgerLoadResult
}

/** @throws Error when a process ends early */
export async function takeLedgerRounds(plan: LedgerRoundsPlan): Promise<LedgerRound[]> {
  const taken: LedgerRound[] = []
  for (let round = 0; round < plan.rounds; round++)
    for (const pace of plan.paces) {
      const bare = await run(plan, pace, null)
      taken.push({ pace, bare, full: await run(plan, pace, plan.url) })
    }
  return taken
}

async function run(
  { core, flags, seconds }: LedgerRoundsPlan,
  callsPerSecond: number,
  url: string | null,
): Promise<LedgerLoadResult> {
  const plan: LedgerLoadPlan = { url, callsPerSecond, seconds, warmUpSeconds: seconds * WARM_UP_SHARE }
  const args = [...flags, PROCESS, JSON.stringify(plan)]
  const child = await startChild({ name: 'ledger load', core, command: process.execPath, args })
  try {
    return JSON.parse(await child.line('{', seconds * 2_000 + PATIENCE_MS))
  } finally {
    await child.stop()
  }
}

/** The CPU that reserving and settling adds to a call, in microseconds. */
function addedUs({ bare, full }: LedgerRound): number {
  return full.cpuUs / full.calls - bare.cpuUs / bare.calls
}

/** Medians and ranges over rounds, a row for each pace. */
export function ledgerRows(taken: readonly LedgerRound[]): string {
  const rows = [...Map.groupBy(taken, (it) => it.pace)].map(([pace, own]) => {
    const full = own.map((it) => it.full)
    return [
      String(pace),
      spread(
        full.map((it) => it.calls / it.seconds),
        0,
      ),
      spread(own.map(addedUs), 1),
      spread(
        full.map((it) => it.cpuUs / it.seconds / 1e6),
        2,
      ),
      spread(
        full.map((it) => it.waits.p50Us / 1000),
        2,
      ),
      spread(
        full.map((it) => it.waits.p99Us / 1000),
        2,
      ),
      String(full.reduce((sum, it) => sum + it.failed, 0)),
    ]
  })
  const headers = [
    'asked/s',
    'reservations/s',
    'CPU µs added/call',
    'core used',
    'p50 ms',
    'p99 ms',
    'failed',
  ]
  return markdownTable(headers, rows)
}
