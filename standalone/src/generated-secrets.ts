/**
 * Secrets an evaluation makes for itself: the pepper of the keys, the admin token, the sealing key,
 * the key of the audit log, the credential of the demo upstream. Kept in the data folder, readable by its owner only, so that a second
 * start finds its keys still valid. Production brings its own.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const Generated = z
  .object({
    keyPepper: z.string().min(32),
    adminToken: z.string().min(32),
    sealingKey: z.string().min(32),
    auditKey: z.string().min(32).optional(),
    demoUpstreamKey: z.string().min(16),
  })
  // Folders made before there was this key have signed under the pepper, and go on so that the log still verifies.
  .transform((it) => ({ ...it, auditKey: it.auditKey ?? it.keyPepper }))
export type GeneratedSecrets = z.infer<typeof Generated>

/**
 * The secrets of this data folder, made at the first start.
 * @throws Error when the file is there but damaged: new secrets would make every key invalid
 */
export async function generatedSecrets(dataDir: string): Promise<GeneratedSecrets> {
  const path = join(dataDir, 'secrets.json')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text !== null) return parseSecrets(text, path)
  const secrets = {
    keyPepper: randomText(),
    adminToken: `hga_${randomText()}`,
    sealingKey: randomText(),
    auditKey: randomText(),
    demoUpstreamKey: `sk-demo-${randomText()}`,
  }
  await writePrivately(path, JSON.stringify(secrets, null, 2))
  return secrets
}

function parseSecrets(text: string, path: string): GeneratedSecrets {
  try {
    return Generated.parse(JSON.parse(text))
  } catch {
    throw new Error(`${path} is damaged: restore it, or remove the whole data folder to begin anew`)
  }
}

/** Writes a file only its owner may read, whole or not at all. */
export async function writePrivately(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

export function randomText(): string {
  return randomBytes(32).toString('hex')
}
