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
const sharedPart = (script: string) => /^_headgate_words\(\) \{\n[\s\S]*?^\}\n/m.exec(script)?.[0] ?? ''

test('no word that is completed needs quotes in any shell', () => {
  for (const command of commands) {
    for (const word of command.words) expect(word).toMatch(/^[a-z][a-z0-9-]*$/)
    for (const flag of flagsFor(command)) {
      expect(flag.name).toMatch(/^[a-z][a-z0-9-]*$/)
      for (const choice of flag.choices) expect(choice).toMatch(/^[\w./-]+$/)
    }
  }
})

test('bash completes nouns, verbs, flags and the choices of a flag', () => {
  const ask = (...typed: string[]) => {
    const words = ['headgate', ...typed].map((it) => `'${it}'`).join(' ')
    const program = `${scriptOf('bash')}\nCOMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _headgate; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    return stdout.trim().split('\n')
  }
  expect(ask('lo').toSorted()).toEqual(['login', 'logout', 'logs'])
  expect(ask('logs', '')).toEqual(['list', 'tail'])
  expect(ask('logs', 'tail', '--outc')).toEqual(['--outcome'])
  expect(ask('logs', 'list', '--output', '')).toEqual(['table', 'json', 'ndjson', 'csv', 'yaml'])
  expect(ask('keys', 'rot')).toEqual(['rotate', 'rotation'])
})

test('zsh asks what bash asks, and all else in its script is as it was tried in a real one', () => {
  const script = scriptOf('zsh')
  expect(sharedPart(script)).not.toBe('')
  expect(sharedPart(script)).toBe(sharedPart(scriptOf('bash')))
  expect(script.replace(sharedPart(script), '')).toBe(
    [
      '#compdef headgate',
      '# zsh completion of headgate: source <(headgate completion zsh)',
      '_headgate() {',
      `  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}" noun="" verb=""`,
      `  (( CURRENT > 2 )) && noun="\${words[2]}"`,
      `  (( CURRENT > 3 )) && verb="\${words[3]}"`,
      `  compadd -- \${=$(_headgate_words "$noun" "$verb" "$previous" "$current")}`,
      '}',
      'compdef _headgate headgate',
      '',
    ].join('\n'),
  )
})

/** A line of fish as its words: quotes hold `\\` and `\'` alone, and nothing outside them is special. */
function fishWords(line: string): string[] | null {
  const whole = /^(?:(?:'(?:[^'\\]|\\[\\'])*'|[\w./-]+)(?: |$))+$/
  if (!whole.test(line)) return null
  return [...line.matchAll(/'((?:[^'\\]|\\[\\'])*)'|([\w./-]+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  )
}

test('each line of the script for fish is one rule with options that fish knows', () => {
  const [head, ...rules] = scriptOf('fish').trimEnd().split('\n')
  expect(head).toMatch(/^# /)
  expect(rules.length).toBeGreaterThan(1_000)
  for (const rule of rules) {
    const [program, ...words] = fishWords(rule) ?? ['']
    expect([rule, program]).toEqual([rule, 'complete'])
    for (let at = 0; at < words.length; at++) {
      const option = words[at] ?? ''
      expect([rule, ['-c', '-n', '-a', '-l', '-s', '-f', '-x', '-r'].includes(option)]).toEqual([rule, true])
      if (!['-f', '-x', '-r'].includes(option)) at += 1
    }
  }
})

/** A machine without a shell has the rules above; one with it has its own word on them. */
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
