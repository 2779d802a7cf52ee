/** `headgate up`: the whole gateway on this machine, as `npm start` starts it. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { OwnCommand } from './command.ts'
import { CommandFault } from './exit-codes.ts'

export const upCommand: OwnCommand = {
  kind: 'own',
  words: ['up'],
  summary: 'Runs the whole gateway here, for evaluation, with the stores it needs. Ctrl-C stops it.',
  positionals: [],
  flags: [],
  examples: ['headgate up'],
  run: async ({ stop, settings }) => {
    const entry = resolve(import.meta.dirname, '../../scripts/bootstrap.mjs')
    if (!existsSync(entry))
      throw new CommandFault('failed', 'headgate up needs the whole checkout, and this is not one.')
    const child = spawn(process.execPath, [entry, 'start'], {
      stdio: 'inherit',
      // It runs in the checkout; what it leaves is looked for in the folder one is in.
      env: { ...settings.environment, HEADGATE_DATA_DIR: settings.dataDir },
    })
    // Ctrl-C reaches it by itself; a stop from elsewhere does not.
    stop.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    const code = await new Promise<number | null>((done, fail) => {
      child.once('error', fail)
      child.once('exit', (status) => done(status))
    })
    if (stop.aborted) return 'interrupted'
    return code === 0 ? 'done' : 'failed'
  },
}
