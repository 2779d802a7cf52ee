/** Signing in: a token is tried and then kept in a profile. It comes from a file, standard input or a question, never from an argument. */
import type { OwnCommand, Run } from './command.ts'
import { connect, findConnection } from './connection.ts'
import { wrongUsage } from './exit-codes.ts'
import { ownFlag } from './flags.ts'
import { readText } from './input.ts'
import { checkProfileName, profilesPath, readProfiles, writeProfiles } from './profiles.ts'
import { show } from './show.ts'

const NAME = 'default'

export const loginCommand: OwnCommand = {
  kind: 'own',
  words: ['login'],
  summary: 'Tries a token at a server and keeps both as a profile, which is used from then on.',
  positionals: [],
  flags: [
    ownFlag(
      'token-file',
      'text',
      'The token, from this file; `-` for standard input. Asked for if left out.',
    ),
  ],
  examples: [
    'headgate login --server https://admin.example.com --profile production',
    'headgate login --server https://admin.example.com --token-file - < token.txt',
  ],
  run: async (run) => {
    const name = checkProfileName(run.value('profile') ?? run.settings.profile ?? NAME)
    // The profile is about to be made, so it is no place to look for the server.
    const settings = { ...run.settings, profile: null, token: null }
    const { server } = await findConnection(settings, { server: run.value('server'), profile: null })
    const token = await tokenFrom(run)
    const tried = await findConnection({ ...settings, server, token }, { server, profile: null })
    const me = await connect(tried, run.stop).me.read()
    const { profiles } = await readProfiles(run.settings.configDir)
    await writeProfiles(run.settings.configDir, {
      use: name,
      profiles: { ...profiles, [name]: { server, token } },
    })
    run.io.say(
      `You are ${me.actor} at ${server}. Kept as profile ${name} in ${profilesPath(run.settings.configDir)}.`,
    )
    return 'done'
  },
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
  summary: 'Forgets a profile with its token. The token itself goes on until it is revoked.',
  positionals: [],
  flags: [],
  examples: ['headgate logout --profile production'],
  run: async (run) => {
    const { use, profiles } = await readProfiles(run.settings.configDir)
    const name = run.value('profile') ?? run.settings.profile ?? use
    if (name === null || profiles[name] === undefined)
      throw wrongUsage('There is no such profile: headgate profiles list')
    const { [name]: _, ...rest } = profiles
    await writeProfiles(run.settings.configDir, { use: use === name ? null : use, profiles: rest })
    run.io.say(`Profile ${name} is forgotten.`)
    return 'done'
  },
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
    const rows = Object.entries(profiles).map(([name, { server }]) => ({
      name,
      server,
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
  positionals: [{ name: 'name', isRequired: true, idPrefix: null }],
  flags: [],
  examples: ['headgate profiles use production'],
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
