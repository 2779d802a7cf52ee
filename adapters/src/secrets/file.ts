/**
 * `file://name`: secrets that something mounts as files, such as Kubernetes. One folder, set at the start; a name
 * has no slash, and what it leads to must lie in the folder, links followed.
 */
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { SecretSource } from './resolver.ts'

const BYTES_MAX = 64 * 1024

/** @param folder null where none is set: what is asked for then says so */
export function fileSecrets(folder: string | null): SecretSource {
  return {
    read: async (name) => {
      if (folder === null)
        throw new Error('no folder of secrets is set: set HEADGATE_SECRETS_DIR where the gateway runs')
      try {
        return await readWithin(folder, name)
      } catch (fault) {
        const { code } = fault as NodeJS.ErrnoException
        if (code === undefined) throw fault
        throw new Error(`the file ${name} in HEADGATE_SECRETS_DIR cannot be read (${code})`)
      }
    },
  }
}

async function readWithin(folder: string, name: string): Promise<string> {
  const [root, path] = await Promise.all([realpath(folder), realpath(join(folder, name))])
  if (!path.startsWith(root + sep)) throw new Error(`the file ${name} leads out of HEADGATE_SECRETS_DIR`)
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size > BYTES_MAX)
      throw new Error(`the file ${name} is no secret: it has more than ${BYTES_MAX} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
