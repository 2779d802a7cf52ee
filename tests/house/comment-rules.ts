/**
 * What comments must and must not do: open a file by saying what it is for, promise nothing without an issue.
 */
import { isCode, isGenerated, isTest, type Rule } from './source-file.ts'

const OPENING_LINES_MAX = 6

/** Tests are left out: their names say what they promise. */
export const fileOpensWithItsPurpose: Rule = (file) => {
  if (!isCode(file) || isTest(file) || isGenerated(file)) return []
  const opening = openingComment(file.text)
  if (opening.length === 0)
    return [`${file.path}:1 does not begin with a comment that says why the file exists`]
  if (opening.length > OPENING_LINES_MAX)
    return [
      `${file.path}:1 opens with ${opening.length} lines of comment, at most ${OPENING_LINES_MAX} are allowed`,
    ]
  return []
}

/** The lines of text in the first comment, without its frame. */
function openingComment(text: string): string[] {
  const start = text.replace(/^#!.*\n/, '').replace(/^<script[^>]*>\n/, '')
  const block = /^(\/\*\*?|<!--)([\s\S]*?)(\*\/|-->)/.exec(start)?.[2]
  const lines = block?.split('\n') ?? /^(\/\/.*\n)*/.exec(start)?.[0].split('\n') ?? []
  return lines.map((line) => line.replace(/^\s*(\*|\/\/)?\s*/, '').trim()).filter((line) => line !== '')
}

/** Spelt in parts, so that this file does not break its own rule. */
const MARK = new RegExp(
  `\\b(${['TO', 'FIX', 'XX', 'HA'].map((a, i) => a + ['DO', 'ME', 'X', 'CK'][i]).join('|')})\\b(.*)`,
)

export const promisesNameTheirIssue: Rule = (file) => {
  if (!isCode(file) && !/\.(sql|lua|sh|ya?ml)$/.test(file.path)) return []
  return file.text.split('\n').flatMap((line, index) => {
    const [, mark, rest = ''] = MARK.exec(line) ?? []
    if (mark === undefined || (mark.startsWith('TO') && /^\(#\d+\)/.test(rest))) return []
    return [`${file.path}:${index + 1} ${mark} without an issue: write ${'TO'}${'DO'}(#12), or do it`]
  })
}
