/**
 * Tells run-tests.mjs how many tests passed and which failed. A test file that could not be loaded and an
 * error outside any test count as failures too, or a broken run could look like a small one.
 */
import { writeFileSync } from 'node:fs'

/** @public A default export, because Vitest loads reporters by file. */
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    let passed = 0
    const failed = unhandledErrors.map((error) => `outside any test: ${String(error.message).split('\n')[0]}`)
    for (const module of modules) {
      const file = module.relativeModuleId
      for (const error of module.errors()) failed.push(`${file}: ${String(error.message).split('\n')[0]}`)
      for (const suite of module.children.allSuites())
        if (suite.errors().length > 0) failed.push(`${file} > ${suite.fullName}`)
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        if (state === 'failed') failed.push(`${file} > ${test.fullName}`)
      }
    }
    if (process.env.TEST_TALLY) writeFileSync(process.env.TEST_TALLY, JSON.stringify({ passed, failed }))
  }
}
