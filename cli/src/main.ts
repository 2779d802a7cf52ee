/** The programme: what was typed becomes a command, the command runs, and its ending is the exit code. */
import { findCommand, readArguments, splitWords } from './arguments.ts'
import type { Command, Run, Typed } from './command.ts'
import { allCommands } from './commands.ts'
import { type CliSettings, readSettings } from './config.ts'
import { connect, findConnection } from './connection.ts'
import { type Ending, exitCode, toldOf, wrongUsage } from './exit-codes.ts'
import { commandHelp, helpData, helpOn, overview } from './help.ts'
import { type Io, processIo } from './io.ts'
import { runOperationCommand } from './run-operation.ts'

type Beginning = { readonly io: Io; readonly settings: CliSettings; readonly stop: AbortSignal }

async function run(args: readonly string[], beginning: Beginning): Promise<Ending> {
  const commands = allCommands()
  const { words } = splitWords(args)
  const wantsHelp = args.includes('--help') || args.includes('-h')
  if (words[0] === 'help' || (words.length === 0 && (wantsHelp || args.length === 0)))
    return help(commands, { words: words.slice(1), asData: args.includes('json') }, beginning.io)
  if (words.length === 0)
    throw wrongUsage(`A command comes first, then its flags: headgate <noun> <verb> ${args[0]}`)
  if (wantsHelp && !commands.some((it) => it.words.join(' ') === words.slice(0, it.words.length).join(' ')))
    return help(commands, { words, asData: args.includes('json') }, beginning.io)
  const { command, rest } = findCommand(commands, args)
  const typed = readArguments(command, rest)
  if (typed.flags.has('help')) {
    const isData = typed.flags.get('output')?.at(-1) === 'json'
    await beginning.io.out(
      isData ? `${JSON.stringify(helpData([command]), null, 2)}\n` : `${commandHelp(command)}\n`,
    )
    return 'done'
  }
  const making = await runOf(typed, command, beginning)
  return command.kind === 'own' ? command.run(making) : runOperationCommand(command, making)
}

type Asked = { readonly words: readonly string[]; readonly asData: boolean }

async function help(commands: readonly Command[], { words, asData }: Asked, io: Io): Promise<Ending> {
  const chosen = commands.filter((it) => words.every((word, index) => it.words[index] === word))
  if (asData) await io.out(`${JSON.stringify(helpData(chosen), null, 2)}\n`)
  else await io.out(`${words.length === 0 ? overview(commands) : helpOn(commands, words)}\n`)
  return 'done'
}

async function runOf(typed: Typed, command: Command, { io, settings, stop }: Beginning): Promise<Run> {
  const value = (flag: string) => typed.flags.get(flag)?.at(-1) ?? null
  const output = value('output')
  const forms = ['table', 'json', 'ndjson', 'csv', 'yaml']
  if (output !== null && !forms.includes(output))
    throw wrongUsage(`--output is one of ${forms.join(', ')}; not "${output}"`)
  const connection =
    command.kind === 'operation' || command.connects === true
      ? await findConnection(settings, { server: value('server'), profile: value('profile') }, stop)
      : null
  const client = connection === null ? null : connect(connection, stop)
  return {
    ...{ io, settings, typed, stop, value },
    has: (flag) => value(flag) === 'true',
    client: () => {
      if (client === null) throw new Error(`${command.words.join(' ')} does not say that it connects`)
      return client
    },
  }
}

/** Ctrl-C ends what is under way; a second one ends the process as the system does. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
  return stopping.signal
}

/** Whoever reads our output may go away when they have enough, as `head` does: then there is nothing left to do. */
function endWithReader(): void {
  process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'EPIPE') throw fault
    process.exit(exitCode('done'))
  })
}

async function main(): Promise<number> {
  endWithReader()
  const stop = stopSignal()
  const settings = readSettings()
  const io = processIo(process, { noColour: settings.noColour, stop })
  try {
    return exitCode(await run(process.argv.slice(2), { io, settings, stop }))
  } catch (fault) {
    if (stop.aborted) return exitCode('interrupted')
    const { ending, text } = toldOf(fault)
    io.say(`headgate: ${text}`)
    return exitCode(ending)
  }
}

process.exitCode = await main()
