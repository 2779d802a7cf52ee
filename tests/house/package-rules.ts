/**
 * What manifests, lockfiles and all other files must hold to, so that a checkout means the same everywhere:
 * exact versions, hashes for all that is fetched, and no trace of the machine it was written on.
 */
import { basename } from 'node:path'
import type { Rule } from './source-file.ts'

type Manifest = { readonly [kind: string]: unknown }
type LockedPackage = { readonly resolved?: string; readonly integrity?: string; readonly link?: boolean }

const DEPENDENCY_KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/

export const versionsAreExact: Rule = (file) => {
  if (basename(file.path) !== 'package.json') return []
  const manifest = JSON.parse(file.text) as Manifest
  return DEPENDENCY_KINDS.flatMap((kind) => Object.entries((manifest[kind] ?? {}) as Record<string, string>))
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `${file.path} asks for ${name} "${version}": name one version, exactly`)
}

/** An address in a lockfile ties everybody to the registry of whoever wrote it. */
export const lockfileNamesNoAddress: Rule = (file) =>
  lockedPackages(file)
    .filter(([, locked]) => /^(https?|git)[:+]/.test(locked.resolved ?? ''))
    .map(
      ([path]) => `${file.path}: ${path} holds a download address: write the lockfile anew with this .npmrc`,
    )

export const lockfileHoldsHashes: Rule = (file) =>
  lockedPackages(file)
    .filter(([path, locked]) => path.includes('node_modules/') && locked.link !== true)
    .filter(([, locked]) => !/^sha512-/.test(locked.integrity ?? ''))
    .map(([path]) => `${file.path}: ${path} has no sha512 hash`)

function lockedPackages(file: { path: string; text: string }): [string, LockedPackage][] {
  if (basename(file.path) !== 'package-lock.json') return []
  const lockfile = JSON.parse(file.text) as { packages: Record<string, LockedPackage> }
  return Object.entries(lockfile.packages)
}

/** Spelt apart, so that this file does not break its own rule. */
const MACHINE_FOLDERS = ['work', 'root', 'home', 'Users']
const MACHINE_PATH = new RegExp(`(^|[\\s"'\`(=:,[])/(${MACHINE_FOLDERS.join('|')})/[\\w.-]`)

/** Such a path is true on one machine only, and tells strangers about it. */
export const noMachineIsNamed: Rule = (file) =>
  file.text.split('\n').flatMap((line, index) => {
    const found = MACHINE_PATH.exec(line)
    return found ? [`${file.path}:${index + 1} names a folder of one machine: ${found[0].trim()}…`] : []
  })
