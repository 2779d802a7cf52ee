/**
 * A profile is a server and the token for it, under a name, so that one machine can look after several installations.
 * The file is readable by its owner only; one that others can read is refused, not repaired in silence.
 */
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse as parseYaml, stringify as yamlOf } from 'yaml'
import { z } from 'zod'
import { CommandFault } from './exit-codes.ts'

const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits and . _ - only')

const Profile = z.strictObject({ server: z.url(), token: z.string().min(1) })
export type Profile = z.infer<typeof Profile>

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
  const found = await stat(path).catch(() => null)
  if (found === null) return { use: null, profiles: {} }
  if ((found.mode & 0o077) !== 0)
    throw new CommandFault('failed', `${path} holds tokens, and others can read it: run chmod 600 ${path}`)
  const parsed = Profiles.safeParse(parseText(await readFile(path, 'utf8')))
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

/** Keeps them, whole or not at all. */
export async function writeProfiles(configDir: string, profiles: Profiles): Promise<void> {
  const path = profilesPath(configDir)
  await mkdir(configDir, { recursive: true, mode: 0o700 })
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(yamlOf(profiles))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}

/** @throws CommandFault when a name cannot be one */
export function checkProfileName(name: string): string {
  const parsed = Name.safeParse(name)
  if (!parsed.success)
    throw new CommandFault('usage', `A profile cannot be called "${name}": letters, digits and . _ - only.`)
  return name
}
