/**
 * How files are called and where the words come from. A name that would fit any file says nothing about this
 * one, and things without a name of their own gather behind it.
 */
import { basename } from 'node:path'
import { isCode, type Rule, type SourceFile } from './source-file.ts'

const EMPTY_WORDS = new Set(
  'util utils helper helpers common misc manager managers base service services shared lib stuff'.split(' '),
)
/** Where index.ts is a list on one screen, not a door to the folder. */
const LISTS = ['data-plane/src/endpoints/', 'data-plane/src/upstreams/', 'admin-contract/src/']

export const nameSaysSomething: Rule = (file) => {
  if (!isCode(file)) return []
  const parts = file.path.split('/')
  const stem = stemOf(file.path)
  const empty = [...parts.slice(0, -1), stem.split('-').at(-1) ?? ''].filter((word) => EMPTY_WORDS.has(word))
  return empty.map((word) => `${file.path} is called "${word}", which would fit any file: say what it holds`)
}

export const nameIsKebabCase: Rule = (file) => {
  if (!isCode(file) || file.path.startsWith('console/')) return []
  return /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config))?\.\w+$/.test(basename(file.path))
    ? []
    : [`${file.path} is not kebab-case`]
}

export const indexIsAList: Rule = (file) =>
  basename(file.path) === 'index.ts' && !LISTS.some((folder) => file.path === `${folder}index.ts`)
    ? [
        `${file.path}: index.ts is only for the lists in ${LISTS.join(', ')}: name the file after what it holds`,
      ]
    : []

/** The words of the glossary: what stands in the first column of its table, parted at slashes, in small letters. */
export function glossaryWords(glossary: string): Set<string> {
  const rows = glossary.split('\n').filter((line) => /^\|.*\|$/.test(line.trim()))
  const cells = rows.map((row) => row.split('|')[1] ?? '')
  return new Set(
    cells.flatMap((cell) => cell.split('/')).map((word) => word.replaceAll('*', '').trim().toLowerCase()),
  )
}

/** Every file of the domain is a word, and every word has its line in the glossary. */
export function wordIsInGlossary(words: ReadonlySet<string>): Rule {
  return (file) => {
    if (!/^domain\/src\/[^/]+\.ts$/.test(file.path) || file.path.endsWith('.test.ts')) return []
    const word = stemOf(file.path).replaceAll('-', ' ')
    return words.has(word) ? [] : [`${file.path}: "${word}" has no line in docs/glossary.md`]
  }
}

function stemOf(path: SourceFile['path']): string {
  return basename(path).replace(/(\.(test|config))?\.\w+$/, '')
}
