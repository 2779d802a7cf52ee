import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { settings } from '@headgate/domain/setting'
import { expect, test } from 'vitest'
import { linksLeadSomewhere } from './document-rules.ts'
import { allFiles, ROOT } from './source-file.ts'

test('every link of every document leads somewhere', () => {
  const files = allFiles()
  expect(files.flatMap(linksLeadSomewhere(files))).toEqual([])
})

test('the rule on links refuses dead files and dead headings, and no more', () => {
  const there = { path: 'docs/there.md', text: '# A `b`, c\n\n## Twice\n\n## Twice\n' }
  const judge = (text: string) => {
    const file = { path: 'docs/guides/a.md', text: `# Top\n\n${text}\n` }
    return linksLeadSomewhere([there, file])(file)
  }
  for (const dead of [
    '[a](gone.md)',
    '[a](../there.md#nowhere)',
    '![a](b.png)',
    '[a](#gone)',
    '[a](../../x/)',
  ])
    expect(judge(dead), dead).toHaveLength(1)
  for (const fine of [
    '[a](../there.md)',
    '[a](../there.md#a-b-c) and [b](../there.md#twice-1)',
    '[a](#top)',
    '[a](../)',
    '[a](https://example.com/gone.md)',
    '`[a](gone.md)`',
    '```\n[a](gone.md)\n```',
  ])
    expect(judge(fine), fine).toEqual([])
})

test('the reference in docs/reference says what the code says', { timeout: 60_000 }, () => {
  const check = spawnSync(process.execPath, ['scripts/docs.ts', '--check'], { cwd: ROOT, encoding: 'utf8' })
  expect(check.stderr).toBe('')
  expect(check.status).toBe(0)
})

test('decision records are numbered without a gap and have their three parts', () => {
  const names = readdirSync(join(ROOT, 'docs/adr')).sort()
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1))
  const records = allFiles().filter(({ path }) => path.startsWith('docs/adr/'))
  for (const { path, text } of records)
    expect(text.match(/^## .*$/gm), path).toEqual(['## Context', '## Decision', '## Consequences'])
})

test('no setting is listed twice', () => {
  const names = settings.map((setting) => setting.name)
  expect(names).toEqual([...new Set(names)])
})
