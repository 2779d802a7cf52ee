/**
 * What reservations cost a gateway, and how many one Redis takes from it: `node bench/ledger.ts [--rounds N]
 * [--seconds S] [--write]`. The gateway's part runs on core 0, Redis on core 1.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startLocalRedis } from '@headgate/adapters/redis/local-server'
import { NODE_FLAGS } from './gateway.ts'
import { ledgerRows, takeLedgerRounds } from './ledger-rounds.ts'
import { machineLines, readLoadAverage, readMachine } from './machine.ts'
import { GATEWAY_CORE, LOAD_CORE, moveToCore } from './neighbours.ts'

const KEPT_REPORTS = fileURLToPath(new URL('../docs/bench.md', import.meta.url))
/** What the promise on cost is about, and what one gateway must sustain. */
const PACES = [5_000, 10_000]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    write: { type: 'boolean', default: false },
  },
})

async function report(folder: string): Promise<string> {
  const machine = readMachine(new Date())
  const redis = await startLocalRedis({ dataDir: folder, persistent: false })
  try {
    const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
    const plan = { url: redis.url, paces: PACES, core: GATEWAY_CORE, flags: NODE_FLAGS, rounds, seconds }
    const taken = await takeLedgerRounds(plan)
    return [
      `## ${machine.date}, commit ${machine.commit}: the ledger alone`,
      '',
      ...machineLines(machine).map((line) => `- ${line}`),
      `- load average before ${machine.loadAverage}, after ${readLoadAverage()}`,
      `- ${rounds} rounds of ${seconds} s; four limits a call, each call reserved and settled`,
      '',
      ledgerRows(taken),
      '',
    ].join('\n')
  } finally {
    await redis.stop()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
try {
  moveToCore(LOAD_CORE)
  const text = await report(folder)
  console.log(text)
  if (values.write) appendFileSync(KEPT_REPORTS, `\n${text}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
