/** A secret is shown once. It goes to standard output only if that was asked for, or into a file only its owner can read. */
import { open, rm } from 'node:fs/promises'
import type { Run } from './command.ts'
import { CommandFault, wrongUsage } from './exit-codes.ts'

/** Refuses before anything is made: a secret that cannot be kept would be lost. */
export function checkSecretPlace(run: Run, example: string): void {
  if (run.has('show-secret') || run.value('out') !== null || run.has('dry-run')) return
  throw wrongUsage(
    `This shows a secret, once. Say where it goes: --out FILE (only you can read it) or --show-secret.\n  ${example}`,
  )
}

/** The file for a secret, open before the secret is made. @throws CommandFault when it is there already or cannot be made */
export async function secretFile(
  path: string,
): Promise<{ keep(secret: string): Promise<void>; drop(): Promise<void> }> {
  const file = await open(path, 'wx', 0o600).catch((fault: NodeJS.ErrnoException) => {
    const why =
      fault.code === 'EEXIST' ? 'is there already and is not overwritten' : `cannot be made: ${fault.message}`
    throw new CommandFault('usage', `--out: ${path} ${why}`)
  })
  return {
    keep: async (secret) => {
      await file.writeFile(`${secret}\n`)
      await file.sync()
      await file.close()
    },
    drop: async () => {
      await file.close()
      await rm(path, { force: true })
    },
  }
}
