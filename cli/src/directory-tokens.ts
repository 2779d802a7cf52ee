/**
 * The tokens of people who signed in with their directory, by profile. They lie apart from the profiles, in the folder
 * for what a machine remembers. Programmes that run at once take turns at a refresh: a refresh token that is used twice
 * counts as stolen.
 */
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { CommandFault } from './exit-codes.ts'
import { readPrivate, writePrivate } from './private-file.ts'

/** Whoever holds the lock longer was killed. */
const LOCK_MS_MAX = 30_000
const LOCK_EVERY_MS = 50

const DirectoryTokens = z.strictObject({
  accessToken: z.string().min(1),
  expiresAt: z.iso.datetime(),
  /** Null where the directory gave none: then one signs in again. */
  refreshToken: z.string().min(1).nullable(),
})
export type DirectoryTokens = z.infer<typeof DirectoryTokens>

const Kept = z.record(z.string(), DirectoryTokens)
type Kept = z.infer<typeof Kept>

function tokensPath(stateDir: string): string {
  return join(stateDir, 'tokens.json')
}

/** Those of a profile; null when there are none. @throws CommandFault when others can read them */
export async function readTokens(stateDir: string, profile: string): Promise<DirectoryTokens | null> {
  return (await readAll(stateDir))[profile] ?? null
}

/** Keeps those of a profile, or with null forgets them. Call it within `withLock`. */
export async function keepTokens(
  stateDir: string,
  profile: string,
  tokens: DirectoryTokens | null,
): Promise<void> {
  const { [profile]: _, ...rest } = await readAll(stateDir)
  const all = tokens === null ? rest : { ...rest, [profile]: tokens }
  await writePrivate(tokensPath(stateDir), `${JSON.stringify(all, null, 2)}\n`)
}

async function readAll(stateDir: string): Promise<Kept> {
  const path = tokensPath(stateDir)
  const text = await readPrivate(path)
  if (text === null) return {}
  const parsed = Kept.safeParse(parsedText(text))
  if (parsed.success) return parsed.data
  throw new CommandFault('failed', `${path} is damaged: remove it, and sign in again with headgate login`)
}

function parsedText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Does something while no other programme does. */
export async function withLock<T>(stateDir: string, stop: AbortSignal, work: () => Promise<T>): Promise<T> {
  const path = `${tokensPath(stateDir)}.lock`
  for (;;) {
    // The folder is made with the first tokens; before that there is nothing to take turns at.
    const lock = await open(path, 'wx', 0o600).catch((fault: NodeJS.ErrnoException) => {
      if (fault.code === 'ENOENT') return null
      if (fault.code === 'EEXIST') return undefined
      throw fault
    })
    if (lock === null) return work()
    if (lock !== undefined) {
      try {
        return await work()
      } finally {
        await lock.close()
        await rm(path, { force: true })
      }
    }
    const heldSince = await stat(path).catch(() => null)
    if (heldSince !== null && Date.now() - heldSince.mtimeMs > LOCK_MS_MAX) await rm(path, { force: true })
    await sleep(LOCK_EVERY_MS, undefined, { signal: stop })
  }
}
