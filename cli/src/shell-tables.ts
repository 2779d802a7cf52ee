/** The table of words as a function of a shell: which words may stand at a place. */
import { byWords, type WordTable } from './word-table.ts'

/** As wide as lines of the scripts become. */
const FOLDED = 100

/**
 * For bash and zsh: `_headgate_words NOUN VERB PREVIOUS CURRENT` prints what may stand there, and `_headgate_ask PROGRAM
 * WORD…` what only the server knows, or nothing when it does not answer soon or nobody has signed in.
 */
export function posixTable(table: WordTable): string[] {
  const told = (words: string) => `words='${words}'`
  return [
    '_headgate_words() {',
    '  local noun="$1" verb="$2" previous="$3" current="$4" command="$1" words=""',
    '  if [[ "$noun" == help && -n "$verb" ]]; then noun="$verb" command="$verb" verb=""; fi',
    '  case "$noun $verb" in',
    ...posixBranch(table.pairs, 'command="$noun $verb"'),
    '  esac',
    '  case "$command $previous" in',
    ...posixBranches(table.afterFlags, told),
    ...posixBranch(table.switches, ':'),
    "    *' --no-'*) : ;;",
    "    *' -'*) words='@nothing' ;;",
    '  esac',
    '  if [[ -z "$words" && "$current" != -* ]]; then',
    '    case "$command" in',
    ...posixBranches(table.argumentsOf, told),
    '    esac',
    '  fi',
    '  if [[ -n "$words" ]]; then printf "%s" "$words"; return; fi',
    '  case "$command" in',
    ...posixBranches(table.flagsOf, told),
    '  esac',
    '  if [[ -n "$words" ]]; then printf "%s" "$words"; return; fi',
    '  case "$noun" in',
    ...posixBranches(table.verbsOf, told),
    `    help) words='${table.nouns} exit-codes' ;;`,
    `    '') words='${table.nouns} help' ;;`,
    '  esac',
    '  printf "%s" "$words"',
    '}',
    '_headgate_ask() {',
    '  local program="$1" word',
    '  local -a asked',
    '  shift',
    '  for word in "$@"; do asked+=("--word=$word"); done',
    `  "$program" complete "\${asked[@]}" </dev/null 2>/dev/null`,
    '}',
  ]
}

function posixBranches(table: ReadonlyMap<string, string>, then: (words: string) => string): string[] {
  return byWords(table).flatMap(([words, places]) => (words === '' ? [] : posixBranch(places, then(words))))
}

function posixBranch(places: readonly string[], then: string): string[] {
  const patterns = places.map((it) => (it.startsWith('* ') ? `*'${it.slice(1)}'` : `'${it}'`))
  const lines = folded(patterns, ' | ')
  return [...lines.slice(0, -1).map((it) => `    ${it} | \\`), `    ${lines.at(-1)}) ${then} ;;`]
}

/** The same for fish: `__headgate_words` prints all words in one line. */
export function fishTable(table: WordTable): string[] {
  return [
    'function __headgate_words',
    '    set -l noun $argv[1]',
    '    set -l verb $argv[2]',
    '    set -l previous $argv[3]',
    '    set -l current $argv[4]',
    '    if test "$noun" = help -a -n "$verb"',
    '        set noun $verb',
    "        set verb ''",
    '    end',
    '    set -l command $noun',
    '    switch "$noun $verb"',
    ...fishBranch(table.pairs, 'set command "$noun $verb"'),
    '    end',
    "    set -l words ''",
    '    switch "$command $previous"',
    ...fishBranches(table.afterFlags),
    ...fishBranch([...table.switches, '* --no-*'], 'true'),
    ...fishBranch(['* -*'], 'set words @nothing'),
    '    end',
    '    if test -z "$words"; and not string match -q -- \'-*\' $current',
    '        switch "$command"',
    ...fishBranches(table.argumentsOf),
    '        end',
    '    end',
    '    if test -z "$words"',
    '        switch "$command"',
    ...fishBranches(table.flagsOf),
    '        end',
    '    end',
    '    if test -z "$words"',
    '        switch "$noun"',
    ...fishBranches(table.verbsOf),
    ...fishBranch(['help'], `set words '${table.nouns} exit-codes'`),
    "            case ''",
    `                set words '${table.nouns} help'`,
    '        end',
    '    end',
    '    echo -- $words',
    'end',
  ]
}

function fishBranches(table: ReadonlyMap<string, string>): string[] {
  return byWords(table).flatMap(([words, places]) =>
    words === '' ? [] : fishBranch(places, `set words '${words}'`),
  )
}

function fishBranch(places: readonly string[], then: string): string[] {
  const lines = folded(
    places.map((it) => `'${it}'`),
    ' ',
  )
  const [first = '', ...rest] = lines
  const heads = [`            case ${first}`, ...rest.map((it) => `                ${it}`)]
  return [heads.join(' \\\n'), `                ${then}`]
}

/** In lines of bounded length. */
function folded(items: readonly string[], between: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const item of items) {
    if (line !== '' && line.length + item.length > FOLDED) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? item : `${between}${item}`
  }
  return line === '' ? lines : [...lines, line]
}
