/** `headgate open`: the addresses of an installation that people look at, printed or opened in a browser. */
import { spawn } from 'node:child_process'
import type { OwnCommand, Run } from './command.ts'
import { findConnection } from './connection.ts'
import { CommandFault, wrongUsage } from './exit-codes.ts'
import { ownFlag } from './flags.ts'
import { didYouMean } from './nearest.ts'

/** What can be opened, and where it is at the server. */
const places: Readonly<Record<string, string>> = {
  home: '/',
  docs: '/docs',
  'sign-in': '/sign-in',
  openapi: '/api/openapi.json',
}

export const openCommand: OwnCommand = {
  kind: 'own',
  words: ['open'],
  summary: `Prints where something is at the server: ${Object.keys(places).join(', ')}; \`home\` if left out.`,
  positionals: [{ name: 'thing', isRequired: false, idPrefixes: [] }],
  flags: [ownFlag('browser', 'boolean', 'Opens it in a browser too.', ['b'])],
  examples: ['headgate open docs', 'headgate open sign-in --browser'],
  suggest: async () => Object.keys(places),
  run: async (run) => {
    const thing = run.typed.positionals[0] ?? 'home'
    const path = Object.hasOwn(places, thing) ? places[thing] : undefined
    const names = Object.keys(places)
    if (path === undefined)
      throw wrongUsage(
        `There is nothing to open called "${thing}".${didYouMean(thing, names)} There are: ${names.join(', ')}.`,
      )
    const asked = { server: run.value('server'), profile: run.value('profile') }
    const { server } = await findConnection(run.settings, asked, run.stop)
    await run.io.out(`${server}${path}\n`)
    if (run.has('browser')) await openInBrowser(`${server}${path}`, run)
    return 'done'
  },
}

/** The browser goes on without us; only whether it could be started is waited for. */
async function openInBrowser(address: string, { settings }: Run): Promise<void> {
  const usual = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const program = settings.environment['BROWSER'] || usual
  const child = spawn(program, [address], { stdio: 'ignore', detached: true })
  await new Promise<void>((done, fail) => {
    child.once('spawn', done)
    child.once('error', () =>
      fail(new CommandFault('failed', `${program} cannot be started: set BROWSER to a programme that can.`)),
    )
  })
  child.unref()
}
