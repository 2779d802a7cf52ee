/**
 * Anchors say how far the audit log was at a time, in a file outside the database, best on storage that only
 * adds. Whoever rewrites the whole log must rewrite them too.
 */
import { open, readFile } from 'node:fs/promises'
import { AuditAnchor } from '@headgate/domain/audit-anchor'
import type { IsSigned, Statement } from './signature.ts'

export type AnchorFile = {
  /** Adds one line and waits until it is on the disk. @throws Error when it could not be */
  append(anchor: AuditAnchor): Promise<void>
  /** All of them, oldest first; none when the file is not there. @throws Error when a line is no anchor */
  read(): Promise<AuditAnchor[]>
}

export function anchorFile(path: string): AnchorFile {
  return {
    append: async (anchor) => {
      const file = await open(path, 'a', 0o600)
      try {
        await file.write(`${JSON.stringify(anchor)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
    },
    read: async () => {
      const text = await readFile(path, 'utf8').catch((fault: NodeJS.ErrnoException) => {
        if (fault.code === 'ENOENT') return ''
        throw fault
      })
      return parseAnchors(text)
    },
  }
}

/** @throws Error that names the first line that is no anchor */
export function parseAnchors(text: string): AuditAnchor[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [AuditAnchor.parse(JSON.parse(line))]
    } catch {
      throw new Error(`line ${index + 1} of the anchors is no anchor`)
    }
  })
}

export function anchorStatement({ at, number, hash }: Omit<AuditAnchor, 'signature'>): Statement {
  return { form: 'headgate audit anchor 1', at, number, hash }
}

/** Whether an anchor was made by the holder of the key. */
export function isSignedAnchor({ signature, ...anchor }: AuditAnchor, isSigned: IsSigned): boolean {
  return isSigned(anchorStatement(anchor), signature)
}
