/**
 * A real redis-server for machines that have none, from Debian: installed where we are root, else unpacked
 * into tools/redis with the libraries it misses. adapters/src/redis/local-server.ts finds it in either place.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ask, lastLines } from './run-child.mjs'

const PROGRAMS = ['redis-server', 'valkey-server']
const POLICY = '/usr/sbin/policy-rc.d'
const APT_ENV = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
const ADVICE = 'install redis-server or valkey-server, or set REDIS_URL'

/**
 * Makes sure of a server program unless REDIS_URL names a server.
 * @returns null when all is well, else one sentence that says what is missing and how to get it.
 */
export function bringRedis(root, say) {
  if (process.env.REDIS_URL || isOnPath() || existsSync(join(root, 'tools/redis/bin/redis-server')))
    return null
  if (!ask('apt-get', ['--version']).ok)
    return `No redis-server is here and no apt-get to fetch it: ${ADVICE}.`
  if (process.getuid?.() === 0) {
    say('Installing redis-server from Debian (not started as a service)')
    const fault = installAsRoot()
    if (fault === null) return null
    say(`That did not work (${lastLines(fault)}); unpacking it instead`)
  }
  say('Unpacking redis-server from Debian into tools/redis')
  const fault = unpack(join(root, 'tools/redis'))
  return fault === null
    ? null
    : `No redis-server is here and it could not be fetched: ${ADVICE}. ${lastLines(fault)}`
}

function isOnPath() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.some((folder) => PROGRAMS.some((program) => existsSync(join(folder, program))))
}

/** Fresh machines have empty package lists, so a first failure is answered by fetching them. */
function installAsRoot() {
  const install = () =>
    ask('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], { env: APT_ENV })
  return withoutServices(() => {
    if (install().ok) return null
    ask('apt-get', ['update'], { env: APT_ENV })
    const again = install()
    return again.ok ? null : again.out
  })
}

/** Debian starts a service as it installs it, unless this file says no; and enables it at boot, which we undo. */
function withoutServices(install) {
  const isOurs = !existsSync(POLICY)
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return install()
  } finally {
    if (isOurs) rmSync(POLICY, { force: true })
    if (existsSync('/run/systemd/system')) ask('systemctl', ['disable', 'redis-server'])
  }
}

function unpack(home) {
  const draft = mkdtempSync(join(tmpdir(), 'headgate-redis-'))
  try {
    const apt = aptWithLists(draft)
    if ('fault' in apt) return apt.fault
    const fetched = ask('apt-get', [...apt.options, 'download', ...apt.packages], {
      cwd: draft,
      env: APT_ENV,
    })
    if (!fetched.ok) return fetched.out
    const files = join(draft, 'files')
    for (const name of readdirSync(draft).filter((name) => name.endsWith('.deb'))) {
      const done = ask('dpkg', ['-x', join(draft, name), files])
      if (!done.ok) return done.out
    }
    return putInPlace(files, home)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** The packages that are missing, by apt's own account; with lists of our own where the system's are empty. */
function aptWithLists(draft) {
  const plan = (options) =>
    ask('apt-get', [...options, 'install', '-s', '--no-install-recommends', 'redis-server'], { env: APT_ENV })
  let options = []
  let planned = plan(options)
  if (!planned.ok) {
    const state = join(draft, 'apt')
    mkdirSync(join(state, 'lists/partial'), { recursive: true })
    options = ['-o', `Dir::State::lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${state}`]
    ask('apt-get', [...options, 'update'], { env: APT_ENV })
    planned = plan(options)
  }
  if (!planned.ok) return { fault: planned.out }
  return { options, packages: [...planned.out.matchAll(/^Inst (\S+)/gm)].map((match) => match[1]) }
}

/** A small script starts the program with its libraries, so that nobody else needs to know of them. */
function putInPlace(files, home) {
  const libraries = libraryFolders(files).map((folder) => `"$here/${folder}"`)
  const script = [
    '#!/bin/sh',
    '# Starts the unpacked server with the libraries beside it.',
    'here=$(cd "$(dirname "$0")/../files" && pwd)',
    `LD_LIBRARY_PATH=${libraries.join(':')}`,
    'export LD_LIBRARY_PATH',
    'exec "$here/usr/bin/redis-server" "$@"',
    '',
  ].join('\n')
  const bin = join(files, '../bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'redis-server'), script)
  chmodSync(join(bin, 'redis-server'), 0o755)
  const trial = ask(join(bin, 'redis-server'), ['--version'])
  if (!trial.ok) return trial.out
  mkdirSync(home, { recursive: true })
  for (const part of ['files', 'bin']) {
    rmSync(join(home, part), { recursive: true, force: true })
    move(join(files, '..', part), join(home, part))
  }
  return null
}

function libraryFolders(files) {
  return ['lib', 'usr/lib'].flatMap((folder) =>
    existsSync(join(files, folder))
      ? readdirSync(join(files, folder))
          .filter((name) => name.endsWith('-linux-gnu'))
          .map((name) => `${folder}/${name}`)
      : [],
  )
}

/** The draft may lie on another file system than the checkout. */
function move(from, to) {
  try {
    renameSync(from, to)
  } catch {
    const done = ask('cp', ['-a', from, to])
    if (!done.ok) throw new Error(done.out)
  }
}
