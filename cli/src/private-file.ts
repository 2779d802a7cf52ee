/** A file that only its owner can read: written whole or not at all, and refused, not repaired in silence, when others can read it. */
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CommandFault } from './exit-codes.ts'

/** What is in it; null when it is not there. @throws CommandFault when others can read it */
export async function readPrivate(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null)
  if (found === null) return null
  if ((found.mode & 0o077) !== 0)
    throw new CommandFault('failed', `${path} holds tokens, and others can read it: run chmod 600 ${path}`)
  return readFile(path, 'utf8')
}

/** Puts this in its place. */
export async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}
