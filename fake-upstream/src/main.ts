/**
 * Runs a fake upstream alone: `node fake-upstream/src/main.ts --port 7410`. Ends cleanly on SIGTERM and SIGINT.
 */
import { type Config, HELP, readConfig } from './config.ts'
import { startFakeUpstream } from './server.ts'

const CLOSE_GRACE_MS = 2000

async function run(): Promise<void> {
  const { help, options }: Config = readConfig(process.argv.slice(2))
  if (help) {
    process.stdout.write(HELP)
    return
  }
  const fake = await startFakeUpstream(options)
  process.stdout.write(`fake upstream listens on ${fake.origin}\n`)
  const stop = () => {
    void fake.close({ graceMs: CLOSE_GRACE_MS })
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

try {
  await run()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
