/** What a shell is given to complete with can be read by it, and says what follows what. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { flagsFor } from './arguments.ts'
import { allCommands } from './commands.ts'
import { completionScript, shells } from './completion.ts'

const commands = allCommands()
const scriptOf = (shell: (typeof shells)[number]) => completionScript(shell, commands)

test('no word that is completed needs quotes in any shell', () => {
  for (const command of commands) {
    for (const word of command.words) expect(word).toMatch(/^[a-z][a-z0-9-]*$/)
    for (const flag of flagsFor(command)) {
      expect(flag.name).toMatch(/^[a-z][a-z0-9-]*$/)
      for (const choice of flag.choices) expect(choice).toMatch(/^[\w./-]+$/)
    }
  }
})

/** As bash asks it: parted at blanks, `:` and `=`; the programme says what the server would. */
const ask = (line: string, told = '') => {
  const words = line.match(/[:=]|[^\s:=]+/g)?.map((it) => `'${it}'`) ?? []
  const typed = line.endsWith(' ') ? [...words, "''"] : words
  const program = [
    scriptOf('bash'),
    `headgate() { printf '%s' '${told}'; }`,
    `COMP_WORDS=(${typed.join(' ')}); COMP_CWORD=${typed.length - 1}; COMP_LINE='${line}'; COMP_POINT=${line.length}`,
    `_headgate; printf "%s\\n" "\${COMPREPLY[@]}"`,
  ].join('\n')
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  return stdout.trim() === '' ? [] : stdout.trim().split('\n')
}

test('bash completes nouns, verbs, flags and the choices of a flag', () => {
  expect(ask('headgate lo').toSorted()).toEqual(['login', 'logout', 'logs'])
  expect(ask('headgate logs ')).toEqual(['list', 'tail'])
  expect(ask('headgate logs tail --outc')).toEqual(['--outcome'])
  expect(ask('headgate logs list --output ')).toEqual(['table', 'json', 'ndjson', 'csv', 'yaml'])
  expect(ask('headgate logs list --output=nd')).toEqual(['ndjson'])
  expect(ask('headgate keys rot')).toEqual(['rotate', 'rotation'])
  expect(ask('headgate help keys rot')).toEqual(['rotate', 'rotation'])
})

test('bash offers what the server told, quoted, and from where it goes on', () => {
  expect(ask('headgate teams show A', 'A $b\tx\nB\n')).toEqual(['A\\ \\$b'])
  expect(ask('headgate limits set team:A', 'team:A b\t\n')).toEqual(['A\\ b'])
  expect(ask('headgate apps list --team=A', 'A\t\n')).toEqual(['A'])
  // No more argument is wanted: flags are.
  expect(ask('headgate teams show A --js')).toEqual(['--json'])
})

test('what nobody can know is not answered with flags or files', () => {
  expect(ask('headgate teams create --name ')).toEqual([])
  expect(ask('headgate teams create --name x --dry-run --js')).toEqual(['--json'])
})

/** What is offered in each of them is tried in tests/cli/completion.test.ts. */
test.each(shells)('%s reads its script where it is there', (shell) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-completion-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'script')
  writeFileSync(path, scriptOf(shell))
  const read = spawnSync(shell, ['-n', path], { encoding: 'utf8' })
  const isThere = (read.error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT'
  if (isThere) expect([read.status, read.stderr]).toEqual([0, ''])
  else expect(shell).not.toBe('bash')
})
