/**
 * The checks that read the code without running it. `npm run types` and `npm run lint` run some of them,
 * `npm test` all, and counts each as one test.
 */
import { join } from 'node:path'
import { runQuietly } from './run-child.mjs'

/** The packages of the product. */
export const SOURCES = [
  'domain',
  'admin-contract',
  'adapters',
  'data-plane',
  'control-plane',
  'standalone',
  'fake-upstream',
  'cli',
]

/** Arguments after `node`, relative to the checkout. */
const checks = {
  types: ['node_modules/typescript/bin/tsc', '--noEmit'],
  'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  'dead code': ['node_modules/knip/bin/knip.js'],
  'dependency rules': [
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    'dependency-rules.mjs',
    ...SOURCES,
  ],
}

export const CHECKS = Object.keys(checks)

/**
 * Runs the named checks, two at a time (they share two cores), and prints what the failed ones said.
 * @returns the names of those that failed.
 */
export async function runChecks(root, names) {
  const waiting = [...names]
  const failed = []
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const [entry, ...args] = checks[name]
      const done = await runQuietly(process.execPath, [join(root, entry), ...args], { cwd: root })
      console.log(done.code === 0 ? `✓ ${name}` : `✗ ${name}\n${done.out}`)
      if (done.code !== 0) failed.push(name)
    }
  }
  await Promise.all([lane(), lane()])
  return failed
}
