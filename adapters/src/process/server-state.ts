/**
 * What a local server must remember between two starts: its password and the port it had. Kept beside
 * its data in a file only its owner can read.
 */
import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'

export type ServerState = { readonly port: number; readonly password: string }

const FILE = 'server.json'

/** The state of the folder, or null when there is none yet. @throws Error when it is damaged. */
export async function readServerState(folder: string): Promise<ServerState | null> {
  const path = join(folder, FILE)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw fault
  }
  const damaged = () => new Error(`${path} is damaged: restore it, or remove ${folder} to begin anew`)
  let state: unknown
  try {
    state = JSON.parse(text)
  } catch {
    throw damaged()
  }
  const { port, password } = (state ?? {}) as Record<string, unknown>
  if (typeof port !== 'number' || typeof password !== 'string') throw damaged()
  return { port, password }
}

/** Writes the state whole or not at all. */
export async function writeServerState(folder: string, state: ServerState): Promise<void> {
  const path = join(folder, FILE)
  await writeFile(`${path}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** 192 random bits, safe in a URL, a config file and a command line. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

/** The wanted loopback port if it is free, else some other free one. */
export async function freePort(wanted = 0): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? 0
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(null))
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? null) : null))
    })
  })
}
