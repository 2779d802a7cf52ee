/**
 * The last good catalog on disk: what a gateway starts with when neither Redis nor the control plane can be
 * asked. The first line is the checksum of the rest. The file holds secret references only, no secrets.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { CatalogShelf, Log } from '@headgate/domain/ports'
import { parseCatalog, sha256 } from '../catalog-text.ts'

export type ShelfOptions = {
  /** Told why a file that is there cannot be used. */
  readonly log?: Log
}

/**
 * A shelf for one catalog. Saving replaces the file in one step, so that a crash leaves the old one or the
 * new one; loading never throws, since a damaged file is as good as none.
 * @param path the file; its folder is made when missing
 */
export function lastGoodCatalog(path: string, options: ShelfOptions = {}): CatalogShelf {
  let saving: Promise<void> = Promise.resolve()
  return {
    save: (document) => {
      const body = JSON.stringify(document)
      saving = saving.catch(() => {}).then(() => writeAtomically(path, `${sha256(body)}\n${body}\n`))
      return saving
    },
    load: async () => {
      try {
        return await read(path)
      } catch (fault) {
        const reason = fault instanceof Error ? fault.message : String(fault)
        options.log?.('warn', `The last good catalog is of no use: ${reason}`, { path })
        return null
      }
    },
  }
}

async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (fault) {
    await rm(temporary, { force: true })
    throw fault
  }
}

/** Null when there is no file. */
async function read(path: string): Promise<CatalogDocument | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw fault
  }
  const end = text.indexOf('\n')
  const body = text.slice(end + 1).trimEnd()
  if (end < 0 || sha256(body) !== text.slice(0, end)) throw new Error('its checksum does not match')
  return parseCatalog(body)
}
