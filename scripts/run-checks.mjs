/** `npm run types` and `npm run lint`: some of the checks, without the tests. */
import { dirname } from 'node:path'
import { CHECKS, runChecks } from './checks.mjs'

const wanted = process.argv[2] === 'types' ? ['types'] : CHECKS.filter((name) => name !== 'types')
const failed = await runChecks(dirname(import.meta.dirname), wanted)
process.exitCode = failed.length === 0 ? 0 : 1
