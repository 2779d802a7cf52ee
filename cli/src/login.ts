/**
 * Signing in: what one is at a server is tried and then kept as a profile. Either a token, which comes from a file,
 * standard input or a question and never from an argument, or a sign-in with the directory by device code.
 */
import type { OwnCommand, Run } from './command.ts'
import { connect, findConnection } from './connection.ts'
import { askWay, revoke, signInByCode } from './directory-sign-in.ts'
import { type DirectoryTokens, keepTokens, readTokens, withLock } from './directory-tokens.ts'
import { wrongUsage } from './exit-codes.ts'
import { ownFlag } from './flags.ts'
import { readText } from './input.ts'
import { checkProfileName, type Profiles, profilesPath, readProfiles, writeProfiles } from './profiles.ts'
import { show } from './show.ts'

const NAME = 'default'

export const loginCommand: OwnCommand = {
  kind: 'own',
  words: ['login'],
  summary:
    'Signs in at a server, with a token or with the directory, and keeps that as a profile, which is used from then on.',
  positionals: [],
  flags: [
    ownFlag('device-code', 'boolean', 'With the directory: shows a code to type in a browser.'),
    ownFlag('issuer', 'text', 'With --device-code: which directory, where the server has several.'),
    ownFlag(
      'token-file',
      'text',
      'The token, from this file; `-` for standard input. Asked for if left out.',
    ),
  ],
  examples: [
    'headgate login --server https://admin.example.com --device-code',
    'headgate login --server https://admin.example.com --profile production',
    'headgate login --server https://admin.example.com --token-file - < token.txt',
  ],
  run: async (run) => {
    const name = checkProfileName(run.value('profile') ?? run.settings.profile ?? NAME)
    // The profile is about to be made, so it is no place to look for the server.
    const settings = { ...run.settings, profile: null, token: null }
    const { server } = await findConnection(
      settings,
      { server: run.value('server'), profile: null },
      run.stop,
    )
    return run.has('device-code') ? byCode(run, name, server) : byToken(run, name, server)
  },
}

async function byToken(run: Run, name: string, server: string) {
  if (run.value('issuer') !== null) throw wrongUsage('--issuer goes with --device-code')
  const token = await tokenFrom(run)
  await keep(run, { name, server, token, profile: { server, token } })
  return 'done' as const
}

async function byCode(run: Run, name: string, server: string) {
  if (run.value('token-file') !== null)
    throw wrongUsage('--device-code and --token-file are two ways: use one')
  const signIn = await askWay(server, run.value('issuer'), run.stop)
  const tokens = await signInByCode(signIn, run.io.say, run.stop)
  await keep(run, { name, server, token: tokens.accessToken, profile: { server, signIn }, tokens })
  return 'done' as const
}

type Keeping = {
  readonly name: string
  readonly server: string
  readonly token: string
  readonly profile: Profiles['profiles'][string]
  readonly tokens?: DirectoryTokens
}

/** Nothing is kept that the server does not take. */
async function keep(run: Run, { name, server, token, profile, tokens }: Keeping): Promise<void> {
  const { configDir, stateDir } = run.settings
  const settings = { ...run.settings, profile: null, server, token }
  const tried = await findConnection(settings, { server, profile: null }, run.stop)
  const me = await connect(tried, run.stop).me.read()
  if (tokens !== undefined) await withLock(stateDir, run.stop, () => keepTokens(stateDir, name, tokens))
  const { profiles } = await readProfiles(configDir)
  await writeProfiles(configDir, { use: name, profiles: { ...profiles, [name]: profile } })
  run.io.say(`You are ${me.actor} at ${server}. Kept as profile ${name} in ${profilesPath(configDir)}.`)
}

async function tokenFrom(run: Run): Promise<string> {
  const path = run.value('token-file')
  if (path === null && run.settings.token !== null) return run.settings.token
  if (path === null && !run.io.canAsk)
    throw wrongUsage('--token-file is needed where nobody can be asked; - for standard input')
  const token = path === null ? await run.io.ask('Token: ') : await readText(path, '--token-file', run)
  if (token.trim() === '') throw wrongUsage('The token is empty.')
  return token.trim()
}

export const logoutCommand: OwnCommand = {
  kind: 'own',
  words: ['logout'],
  summary:
    'Forgets a profile with its tokens. A sign-in with the directory is ended there; a token of its own goes on until it is revoked.',
  positionals: [],
  flags: [],
  examples: ['headgate logout --profile production'],
  run: async (run) => {
    const { use, profiles } = await readProfiles(run.settings.configDir)
    const name = run.value('profile') ?? run.settings.profile ?? use
    if (name === null || profiles[name] === undefined)
      throw wrongUsage('There is no such profile: headgate profiles list')
    await forgetTokens(run, name, profiles[name])
    const { [name]: _, ...rest } = profiles
    await writeProfiles(run.settings.configDir, { use: use === name ? null : use, profiles: rest })
    run.io.say(`Profile ${name} is forgotten.`)
    return 'done'
  },
}

/** What cannot be told to the directory now is forgotten here all the same. */
async function forgetTokens(run: Run, name: string, profile: Profiles['profiles'][string]): Promise<void> {
  if (!('signIn' in profile)) return
  const { stateDir } = run.settings
  await withLock(stateDir, run.stop, async () => {
    const tokens = await readTokens(stateDir, name)
    await keepTokens(stateDir, name, null)
    if (tokens === null || tokens.refreshToken === null) return
    await revoke(profile.signIn, tokens.refreshToken).catch(() => {
      run.io.say(`${profile.signIn.issuer} could not be told: what it gave ends by itself.`)
    })
  })
}

export const profilesCommand: OwnCommand = {
  kind: 'own',
  words: ['profiles', 'list'],
  summary: 'Lists the profiles, without their tokens.',
  positionals: [],
  flags: [],
  examples: ['headgate profiles list'],
  run: async (run) => {
    const { use, profiles } = await readProfiles(run.settings.configDir)
    const rows = Object.entries(profiles).map(([name, profile]) => ({
      name,
      server: profile.server,
      directory: 'signIn' in profile ? profile.signIn.issuer : null,
      in_use: name === use,
    }))
    await show(rows, run)
    return 'done'
  },
}

export const useProfileCommand: OwnCommand = {
  kind: 'own',
  words: ['profiles', 'use'],
  summary: 'Uses a profile from now on.',
  positionals: [{ name: 'profile', isRequired: true, idPrefixes: [] }],
  flags: [],
  examples: ['headgate profiles use production'],
  suggest: async ({ configDir }) => Object.keys((await readProfiles(configDir)).profiles),
  run: async (run) => {
    const { profiles } = await readProfiles(run.settings.configDir)
    const name = run.typed.positionals[0] ?? ''
    if (profiles[name] === undefined)
      throw wrongUsage(`There is no profile "${name}": headgate profiles list`)
    await writeProfiles(run.settings.configDir, { use: name, profiles })
    run.io.say(`Profile ${name} is used from now on.`)
    return 'done'
  },
}
