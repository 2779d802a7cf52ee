/** Completion for bash, zsh and fish: scripts that hold the whole table, so that a Tab costs no start of a process. */
import { flagsFor } from './arguments.ts'
import type { Command } from './command.ts'
import { nounsOf } from './help.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The script for a shell. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  if (shell === 'fish') return fishScript(commands)
  return shell === 'bash' ? bashScript(commands) : zshScript(commands)
}

function verbsOf(commands: readonly Command[], noun: string): string[] {
  return [...new Set(commands.filter((it) => it.words[0] === noun).flatMap((it) => it.words.slice(1, 2)))]
}

function flagWords(command: Command): string[] {
  return flagsFor(command).map((it) => `--${it.name}`)
}

/** What may follow: verbs after a noun, flags after a command, choices after a flag that has them. */
function cases(commands: readonly Command[]): { verbs: string[]; flags: string[]; values: string[] } {
  const verbs = nounsOf(commands).map(
    (noun) => `    ${noun}) words='${verbsOf(commands, noun).join(' ')}' ;;`,
  )
  const flags = commands.map((it) => `    '${it.words.join(' ')}') words='${flagWords(it).join(' ')}' ;;`)
  const choices = new Map(
    commands.flatMap((it) =>
      flagsFor(it).flatMap((flag) =>
        flag.choices.length > 0 ? [[`${it.words.join(' ')} --${flag.name}`, flag.choices] as const] : [],
      ),
    ),
  )
  const values = [...choices].map(([name, words]) => `    '${name}') words='${words.join(' ')}' ;;`)
  return { verbs, flags, values }
}

/** The function that both shells share: it finds the command among the words typed so far. */
function shared(commands: readonly Command[]): string[] {
  const { verbs, flags, values } = cases(commands)
  return [
    '_headgate_words() {',
    '  local noun="$1" verb="$2" previous="$3" current="$4" command words=""',
    '  command="$noun"',
    `  case "$noun $verb" in`,
    ...commands
      .filter((it) => it.words.length > 1)
      .map((it) => `    '${it.words.join(' ')}') command='${it.words.join(' ')}' ;;`),
    '  esac',
    '  case "$command $previous" in',
    ...values,
    '  esac',
    '  if [[ -n "$words" ]]; then printf "%s" "$words"; return; fi',
    '  if [[ "$current" == -* || "$command" == *" "* ]]; then',
    '    case "$command" in',
    ...flags,
    '    esac',
    '    printf "%s" "$words"; return',
    '  fi',
    '  case "$noun" in',
    ...verbs,
    `    '') words='${nounsOf(commands).join(' ')} help' ;;`,
    '  esac',
    '  printf "%s" "$words"',
    '}',
  ]
}

function bashScript(commands: readonly Command[]): string {
  return [
    '# bash completion of headgate: source <(headgate completion bash)',
    ...shared(commands),
    '_headgate() {',
    `  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" noun="" verb=""`,
    `  (( COMP_CWORD > 1 )) && noun="\${COMP_WORDS[1]}"`,
    `  (( COMP_CWORD > 2 )) && verb="\${COMP_WORDS[2]}"`,
    '  COMPREPLY=($(compgen -W "$(_headgate_words "$noun" "$verb" "$previous" "$current")" -- "$current"))',
    '}',
    'complete -o default -F _headgate headgate',
    '',
  ].join('\n')
}

function zshScript(commands: readonly Command[]): string {
  return [
    '#compdef headgate',
    '# zsh completion of headgate: source <(headgate completion zsh)',
    ...shared(commands),
    '_headgate() {',
    `  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}" noun="" verb=""`,
    `  (( CURRENT > 2 )) && noun="\${words[2]}"`,
    `  (( CURRENT > 3 )) && verb="\${words[3]}"`,
    `  compadd -- \${=$(_headgate_words "$noun" "$verb" "$previous" "$current")}`,
    '}',
    'compdef _headgate headgate',
    '',
  ].join('\n')
}

function fishScript(commands: readonly Command[]): string {
  const at = (words: readonly string[]) => {
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`)
    return seen.join('; and ')
  }
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const nouns = nounsOf(commands)
  return [
    '# fish completion of headgate: headgate completion fish | source',
    'complete -c headgate -f',
    `complete -c headgate -n __fish_use_subcommand -a ${quoted([...nouns, 'help'].join(' '))}`,
    ...nouns.flatMap((noun) => {
      const verbs = verbsOf(commands, noun)
      if (verbs.length === 0) return []
      return [
        `complete -c headgate -n ${quoted(`${at([noun])}; and not __fish_seen_subcommand_from ${verbs.join(' ')}`)} -a ${quoted(verbs.join(' '))}`,
      ]
    }),
    ...commands.flatMap((it) =>
      flagsFor(it).map((flag) => {
        const short = flag.also.find((name) => name.length === 1)
        return [
          `complete -c headgate -n ${quoted(at(it.words))} -l ${flag.name}`,
          ...(short === undefined ? [] : [`-s ${short}`]),
          ...(flag.kind === 'boolean'
            ? []
            : [flag.choices.length > 0 ? `-x -a ${quoted(flag.choices.join(' '))}` : '-r']),
        ].join(' ')
      }),
    ),
    '',
  ].join('\n')
}
