/**
 * `npm test`: every check, then every test, to the end even when some fail; the failed ones are named again
 * below, and the last line counts them all. Arguments narrow it to those tests and leave the checks out.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CHECKS, runChecks } from './checks.mjs'
import { runInForeground } from './run-child.mjs'

const root = dirname(import.meta.dirname)
const filter = process.argv.slice(2)
const checks = filter.length === 0 ? CHECKS : []

const failedChecks = await runChecks(root, checks)
const tests = await runVitest()
const failed = [...failedChecks, ...tests.failed]
const passed = checks.length - failedChecks.length + tests.passed
if (failed.length > 0) console.log(`\nFailed:\n${failed.map((name) => `  ✗ ${name}`).join('\n')}\n`)
console.log(`${passed} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1

/** The tally comes through a file, because the output belongs to the reader. */
async function runVitest() {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tally-'))
  const tallyPath = join(folder, 'tally.json')
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/tally-reporter.mjs')}`]
  try {
    const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...filter]
    const code = await runInForeground(process.execPath, args, {
      cwd: root,
      env: { ...process.env, TEST_TALLY: tallyPath },
    })
    return judge(code, readTally(tallyPath))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readTally(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null // The run ended before it could count: judged by its exit code.
  }
}

/** A run that tested nothing, or that failed in a way no test accounts for, has failed. */
function judge(code, tally) {
  const { passed, failed } = tally ?? { passed: 0, failed: [] }
  if (passed + failed.length === 0) return { passed, failed: ['no test ran'] }
  if (code !== 0 && failed.length === 0)
    return { passed, failed: [`the test run ended with exit code ${code}`] }
  return { passed, failed }
}
