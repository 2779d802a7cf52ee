/**
 * The npm packages of the lockfile. A stamp inside node_modules says which lockfile they came from, so a
 * second run costs one hash. Not `npm ci`: it refuses lockfiles that lack other systems' optional packages.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { insist, NPM_FLAGS, runQuietly, Sorry } from './run-child.mjs'

/**
 * Installs what the lockfile lists unless that was done before.
 * @throws Sorry when npm fails, or when it had to change the lockfile in CI.
 */
export async function bringPackages(root, say) {
  const stamp = join(root, 'node_modules/.headgate-stamp')
  const wanted = stampOf(root)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('Installing the npm packages (about a minute the first time)')
  const before = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const done = await runQuietly('npm', ['install', ...NPM_FLAGS], { cwd: root })
  insist(done, 'npm install failed; see that the npm registry can be reached.')
  if (readFileSync(join(root, 'package-lock.json'), 'utf8') !== before) {
    const sentence =
      'npm install changed package-lock.json: run it here under Node 24 and commit the lockfile.'
    if (process.env.CI) throw new Sorry(sentence)
    say(sentence)
  }
  writeFileSync(stamp, stampOf(root))
}

/** Manifests count as well: a dependency added by hand must be installed though the lockfile lags behind. */
function stampOf(root) {
  const hash = createHash('sha256')
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const manifests = ['', ...workspaces].map((folder) => join(folder, 'package.json'))
  for (const path of ['package-lock.json', ...manifests]) hash.update(readFileSync(join(root, path)))
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`
}
