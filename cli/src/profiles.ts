/**
 * A profile is a server and what one is there, under a name, so that one machine can look after several installations:
 * a token, or the way to sign in with the directory, whose tokens lie elsewhere (directory-tokens.ts).
 */
import { join } from 'node:path'
import { parse as parseYaml, stringify as yamlOf } from 'yaml'
import { z } from 'zod'
import { SignInWay } from './directory-sign-in.ts'
import { CommandFault } from './exit-codes.ts'
import { readPrivate, writePrivate } from './private-file.ts'

const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits and . _ - only')

const Profile = z.union([
  z.strictObject({ server: z.url(), token: z.string().min(1) }),
  z.strictObject({ server: z.url(), signIn: SignInWay }),
])

const Profiles = z.strictObject({
  /** The one that is used when none is named. */
  use: Name.nullable(),
  profiles: z.record(Name, Profile),
})
export type Profiles = z.infer<typeof Profiles>

/** Where they are. */
export function profilesPath(configDir: string): string {
  return join(configDir, 'profiles.yaml')
}

/** All profiles; none when there is no file yet. @throws CommandFault when others can read it, or it is damaged */
export async function readProfiles(configDir: string): Promise<Profiles> {
  const path = profilesPath(configDir)
  const text = await readPrivate(path)
  if (text === null) return { use: null, profiles: {} }
  const parsed = Profiles.safeParse(parseText(text))
  if (!parsed.success)
    throw new CommandFault(
      'failed',
      `${path} is damaged (${z.prettifyError(parsed.error)}): mend or remove it`,
    )
  return parsed.data
}

function parseText(text: string): unknown {
  try {
    return parseYaml(text)
  } catch {
    return null
  }
}

/** Keeps them. */
export function writeProfiles(configDir: string, profiles: Profiles): Promise<void> {
  return writePrivate(profilesPath(configDir), yamlOf(profiles))
}

/** @throws CommandFault when a name cannot be one */
export function checkProfileName(name: string): string {
  const parsed = Name.safeParse(name)
  if (!parsed.success)
    throw new CommandFault('usage', `A profile cannot be called "${name}": letters, digits and . _ - only.`)
  return name
}
