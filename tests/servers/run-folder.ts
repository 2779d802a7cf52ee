/**
 * Temporary folders for test servers. A run that was killed leaves its folder and perhaps a server in it; the
 * next run of the same user finds and clears both, so that nothing piles up.
 */
import { existsSync } from 'node:fs'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { livingOwner, stopLeftOvers } from '@headgate/adapters/process/claim-folder'

const PREFIX = 'headgate-test-'
/** A folder this young and without an owner may be one that another run is just setting up. */
const YOUNG_MS = 10 * 60_000

/** A new folder, closed to others. */
export function makeRunFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), PREFIX))
}

/** Removes folders of dead runs of this user, after ending what still runs there. */
export async function clearOldRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue
    const folder = join(tmpdir(), name)
    const facts = await lstat(folder).catch(() => null)
    if (!facts?.isDirectory() || facts.uid !== process.getuid?.()) continue
    const servers = (await readdir(folder).catch(() => [])).map((server) => join(folder, server))
    if (servers.some((server) => livingOwner(server) !== null)) continue
    const wasOwned = servers.some((server) => existsSync(join(server, 'owner')))
    if (!wasOwned && Date.now() - facts.mtimeMs < YOUNG_MS) continue
    for (const server of servers)
      await stopLeftOvers(join(server, 'data'), ['postgres', 'redis-server', 'valkey-server'], 'SIGQUIT')
    await rm(folder, { recursive: true, force: true })
  }
}
