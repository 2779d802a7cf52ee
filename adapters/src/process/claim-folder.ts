/**
 * A data folder belongs to one running process. Whoever starts a local server on it claims it first, so that
 * two starts never share one database by accident, and a server left over by a killed process is found
 * and ended before a new one starts on the same files.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LEFT_OVER_PATIENCE_MS = 10_000
const POLL_MS = 20

/** Gives the folder back. */
export type Release = () => Promise<void>

/**
 * Makes the folder (0700) if need be and claims it for this process.
 * @param setting what names the folder, for whoever has to name another
 * @throws Error naming the other process when a living one holds it.
 */
export async function claimFolder(folder: string, setting = 'HEADGATE_DATA_DIR'): Promise<Release> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const claimPath = join(folder, 'owner')
  const claim = identityOf(process.pid)
  while (true) {
    try {
      await writeFile(claimPath, `${claim}\n`, { flag: 'wx', mode: 0o600 })
      return () => rm(claimPath, { force: true })
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault
    }
    const pid = livingOwner(folder)
    if (pid !== null)
      throw new Error(
        `${folder} is in use by process ${pid}: stop that one first, or set ${setting} to another folder`,
      )
    await rm(claimPath, { force: true })
  }
}

/** The id of the living process that holds the folder, or null. */
export function livingOwner(folder: string): number | null {
  const [identity = ''] = readText(join(folder, 'owner')).split('\n')
  const pid = Number(identity.split(' ')[0])
  return pid > 0 && identity === identityOf(pid) ? pid : null
}

/**
 * A process id alone comes round again; with its birth and the boot it was born in, it does not.
 * Where there is no /proc the id alone has to do.
 */
function identityOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`)
  // The name in brackets may hold blanks, so count from behind it; field 22 is the start time.
  const birth = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? (isAlive(pid) ? '' : 'gone')
  return `${pid} ${birth} ${readText('/proc/sys/kernel/random/boot_id').trim()}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Ends servers that still run in a folder whose owner is gone, and waits until they are.
 * @param programs names of the programs that count; a shell that happens to stand there is left alone.
 * @throws Error when one cannot be ended.
 */
export async function stopLeftOvers(
  folder: string,
  programs: readonly string[],
  signal: NodeJS.Signals,
): Promise<number> {
  const found = processesIn(folder, programs)
  for (const pid of found) signalQuietly(pid, signal)
  const deadline = performance.now() + LEFT_OVER_PATIENCE_MS
  let rest = found
  while (rest.length > 0) {
    const late = performance.now() - deadline
    if (late > LEFT_OVER_PATIENCE_MS)
      throw new Error(`an old server (process ${rest.join(', ')}) in ${folder} does not end: end it by hand`)
    if (late > 0) for (const pid of rest) signalQuietly(pid, 'SIGKILL')
    await sleep(POLL_MS)
    rest = processesIn(folder, programs)
  }
  return found.length
}

function processesIn(folder: string, programs: readonly string[]): number[] {
  try {
    const real = realpathSync(folder)
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && standsIn(name, real))
      .filter((name) => programs.includes(readText(`/proc/${name}/comm`).trim()))
      .map(Number)
  } catch {
    return [] // No such folder, or a system without /proc: nothing to find.
  }
}

function standsIn(pid: string, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder
  } catch {
    return false // Gone meanwhile, or somebody else's.
  }
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone meanwhile.
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
