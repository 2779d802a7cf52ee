// Shows that tables are Markdown and that a figure carries its range.
import { expect, test } from 'vitest'
import { markdownTable, spread } from './table.ts'

test('a table is Markdown with columns as wide as their widest cell', () => {
  expect(markdownTable(['a', 'long'], [['value', 'b'], ['c']])).toBe(
    ['| a     | long |', '|-------|------|', '| value | b    |', '| c     |      |'].join('\n'),
  )
})

test('a figure is its median with the range over rounds; one value stands alone; none is a dash', () => {
  expect(spread([3, 1, 2.26], 1)).toBe('2.3 (1.0–3.0)')
  expect(spread([1234.6], 0)).toBe('1235')
  expect(spread([], 2)).toBe('–')
})
