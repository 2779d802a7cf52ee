/**
 * All tests of the house, in four projects by what they need and promise. One real Postgres and one real Redis
 * serve a whole run; each test file takes a database of its own from them (tests/servers).
 */
import { configDefaults, defineConfig } from 'vitest/config'
import { roundsFactor } from './tests/servers/environment.ts'

const contracts = ['adapters/src/contracts/**/*.test.ts']
const conformance = ['tests/conformance/**/*.test.ts']
const house = ['tests/house/**/*.test.ts']

const factor = roundsFactor()

export default defineConfig({
  test: {
    globalSetup: ['tests/servers/global-setup.ts'],
    maxWorkers: 2,
    // A cap on hangs, not a wish: the slowest machine we support is busy with two workers, and a long run
    // does the same many times over.
    testTimeout: 30_000 * factor,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // A filter that matches nothing must not look like success.
    passWithNoTests: false,
    projects: [
      { extends: true, test: { name: 'house', include: house } },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['*/src/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...contracts, ...conformance, ...house],
        },
      },
      { extends: true, test: { name: 'contracts', include: contracts } },
      { extends: true, test: { name: 'conformance', include: conformance } },
    ],
  },
})
