/**
 * The ledger's rule with a bug in it: the domain's own files, one of them with a few words changed, loaded from
 * a folder of their own. So each bug is one in the code that runs, and not in a copy that may come to differ.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Book, NewBook } from './operation.ts'

const files = ['reservation', 'bucket', 'window', 'ledger'] as const
const domain = fileURLToPath(new URL('../../domain/src/', import.meta.url))

export type RuleBug = {
  readonly name: string
  readonly file: (typeof files)[number]
  /** Stands exactly once in that file. */
  readonly from: string
  readonly to: string
}

/** @throws Error when the text to change is not there exactly once: then the bug must be planted anew */
export async function ruleWith(bug: RuleBug): Promise<NewBook> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-planted-'))
  try {
    for (const file of files) copyFileSync(join(domain, `${file}.ts`), join(folder, `${file}.ts`))
    const path = join(folder, `${bug.file}.ts`)
    const parts = readFileSync(path, 'utf8').split(bug.from)
    if (parts.length !== 2)
      throw new Error(`"${bug.name}": its text stands ${parts.length - 1} times in ${bug.file}.ts, not once`)
    writeFileSync(path, parts.join(bug.to))
    const planted: { LedgerBook: new () => Book } = await import(
      /* @vite-ignore */ pathToFileURL(join(folder, 'ledger.ts')).href
    )
    return () => new planted.LedgerBook()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
