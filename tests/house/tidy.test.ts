import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  classesHaveNoFamilies,
  environmentIsReadInConfig,
  modulesHaveNoState,
  nothingIsExportedByDefault,
  nothingIsReExported,
  statementsAreNotBuilt,
} from './code-rules.ts'
import { fileOpensWithItsPurpose, promisesNameTheirIssue } from './comment-rules.ts'
import {
  glossaryWords,
  indexIsAList,
  nameIsKebabCase,
  nameSaysSomething,
  wordIsInGlossary,
} from './name-rules.ts'
import {
  lockfileHoldsHashes,
  lockfileNamesNoAddress,
  noMachineIsNamed,
  versionsAreExact,
} from './package-rules.ts'
import { fileIsShort, functionsAreShort } from './size-rules.ts'
import { allFiles, ROOT, type Rule } from './source-file.ts'

const files = allFiles()

const promises: [string, Rule][] = [
  ['no file is longer than can be taken in', fileIsShort],
  ['no function is longer than a screen', functionsAreShort],
  ['no file has a name that would fit any file', nameSaysSomething],
  ['file names are kebab-case', nameIsKebabCase],
  ['index.ts is a list, never a door', indexIsAList],
  ['every file of code says first why it exists', fileOpensWithItsPurpose],
  ['a promise in a comment names its issue', promisesNameTheirIssue],
  ['the environment is read in config.ts alone', environmentIsReadInConfig],
  ['nothing is re-exported', nothingIsReExported],
  ['nothing in the product is exported by default', nothingIsExportedByDefault],
  ['no module of the product keeps state', modulesHaveNoState],
  ['no class of ours begins a family', classesHaveNoFamilies],
  ['no SQL or Lua is put together from strings', statementsAreNotBuilt],
  ['every dependency is asked for in one exact version', versionsAreExact],
  ['no lockfile names a download address', lockfileNamesNoAddress],
  ['every locked package has its hash', lockfileHoldsHashes],
  ['no file names a folder of one machine', noMachineIsNamed],
]

test.for(promises)('%s', ([, rule]) => {
  expect(files.flatMap(rule)).toEqual([])
})

test('every word of the domain is in the glossary', () => {
  const words = glossaryWords(readFileSync(join(ROOT, 'docs/glossary.md'), 'utf8'))
  expect(files.flatMap(wordIsInGlossary(words))).toEqual([])
})

test('the rules have looked at the whole house', () => {
  const folders = new Set(files.map(({ path }) => path.split('/')[0]))
  for (const folder of ['domain', 'adapters', 'data-plane', 'control-plane', 'scripts', 'tests', '.ci'])
    expect(folders).toContain(folder)
  expect(files.some(({ path }) => path.includes('node_modules'))).toBe(false)
})
