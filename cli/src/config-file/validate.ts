/** `headgate config validate`: whether a file is what a configuration has to be, without asking a server. */
import type { OwnCommand, Positional, Run } from '../command.ts'
import { CommandFault } from '../exit-codes.ts'
import { readText } from '../input.ts'
import { type Stated, statedFaults, statedIn } from './plan.ts'
import type { ConfigFile } from './shape.ts'
import { type FileFault, type ReadFile, readConfigText } from './yaml-file.ts'

/** As many as somebody reads. */
const FAULTS_MAX = 100

/** What a command on a file takes. */
export const filePositional: Positional = { name: 'file', isRequired: true, idPrefixes: [] }

export const validateCommand: OwnCommand = {
  kind: 'own',
  words: ['config', 'validate'],
  summary: 'Checks a file: its shape, its names, its values, and that no secret is in it. Asks no server.',
  positionals: [filePositional],
  flags: [],
  examples: ['headgate config validate headgate.yaml'],
  run: async (run) => {
    const { file, config, stated } = await readStated(run)
    refuseFaults(file, statedFaults(config, stated, null))
    run.io.say(`${run.typed.positionals[0]} is well formed: ${stated.length} things.`)
    return 'done'
  },
}

export type StatedFile = { readonly file: ReadFile; readonly config: ConfigFile; readonly stated: Stated[] }

/** Reads the file that was named. @throws CommandFault with all that is wrong, each with its place */
export async function readStated(run: Run): Promise<StatedFile> {
  const [path = ''] = run.typed.positionals
  const text = await readText(path, '<file>', run)
  const file = readConfigText(text, path === '-' ? 'standard input' : path, run.settings.environment)
  refuseFaults(file, file.faults)
  if (file.config === null) throw new CommandFault('differs', `${path} is no configuration.`)
  return { file, config: file.config, stated: statedIn(file.config) }
}

/** @throws CommandFault that lists them in the order of the file */
export function refuseFaults(file: ReadFile, faults: readonly FileFault[]): void {
  if (faults.length === 0) return
  const lines = new Set(faults.map(({ path, message }) => `${file.placeOf(path)}: ${dotted(path)}${message}`))
  const shown = [...lines].slice(0, FAULTS_MAX)
  const more = lines.size > FAULTS_MAX ? [`and ${lines.size - FAULTS_MAX} more`] : []
  const head = lines.size === 1 ? 'One thing is wrong:' : `${lines.size} things are wrong:`
  throw new CommandFault('differs', [head, ...shown, ...more].join('\n'))
}

function dotted(path: readonly PropertyKey[]): string {
  if (path.length === 0 || typeof path[0] === 'number') return ''
  return `${path
    .map((part) =>
      typeof part === 'number'
        ? `[${part}]`
        : `.${String(part).replace(/[A-Z]/g, (it) => `_${it.toLowerCase()}`)}`,
    )
    .join('')
    .slice(1)}: `
}
