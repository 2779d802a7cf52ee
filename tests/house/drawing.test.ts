import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './source-file.ts'

// Skipped only while the page is not written yet.
test.skipIf(!existsSync(join(ROOT, 'ARCHITECTURE.md')))(
  'the drawing in ARCHITECTURE.md shows the code as it is',
  () => {
    const check = spawnSync(process.execPath, ['scripts/draw-architecture.mjs', '--check'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect(check.stderr).toBe('')
    expect(check.status).toBe(0)
  },
)
