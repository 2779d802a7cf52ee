# bash completion of headgate, from 3.2 on: source <(headgate completion bash)

#TABLE

# What was typed, without its quotes.
_headgate_plain() {
  local text="$1"
  case "$text" in
    \"*) text="${text#\"}"; printf '%s' "${text%\"}" ;;
    \'*) text="${text#\'}"; printf '%s' "${text%\'}" ;;
    *) printf '%s' "${text//\\/}" ;;
  esac
}

# Puts together what bash parts at `:` and `=`, which stand in names: into `typed`, up to the cursor.
_headgate_typed() {
  local rest="${COMP_LINE:0:COMP_POINT}" at word trimmed last=-1
  typed=()
  for ((at = 0; at <= COMP_CWORD; at++)); do
    trimmed="${rest#"${rest%%[![:space:]]*}"}"
    word="${COMP_WORDS[at]}"
    ((at == COMP_CWORD)) && word="$trimmed"
    if ((at > 0)) && [[ "$trimmed" == "$rest" ]]; then typed[last]+="$word"; else typed[++last]="$word"; fi
    rest="${trimmed#"$word"}"
  done
}

_headgate() {
  local typed=() noun="" verb="" current previous words offers="" it told quote="" stem="" lead=""
  COMPREPLY=()
  _headgate_typed
  local count=${#typed[@]}
  ((count > 2)) && noun="${typed[1]}"
  ((count > 3)) && verb="${typed[2]}"
  current="${typed[count - 1]}"
  previous="${typed[count - 2]}"
  if [[ "$current" == --*=* ]]; then
    previous="${current%%=*}"
    [[ "$COMP_WORDBREAKS" == *=* ]] || lead="$previous="
    current="${current#*=}"
  fi
  words="$(_headgate_words "$noun" "$verb" "$previous" "$current")"
  [[ "$words" == @files ]] && return
  compopt +o default 2>/dev/null
  if [[ "$words" == @values ]]; then
    local plain=()
    for it in "${typed[@]:1}"; do plain+=("$(_headgate_plain "$it")"); done
    offers="$(_headgate_ask "${typed[0]}" "${plain[@]}")"
    [[ -z "$offers" && "$previous" != -* ]] && words="$(_headgate_words "$noun" "$verb" "" -)"
  fi
  [[ "$words" == @* ]] || offers="${words// /$'\n'}"
  case "$current" in \"* | \'*) quote="${current:0:1}" ;; esac
  current="$(_headgate_plain "$current")"
  # Readline leaves what stands before the last of these as it is.
  local breaks=""
  [[ "$COMP_WORDBREAKS" == *:* ]] && breaks=":"
  [[ "$COMP_WORDBREAKS" == *=* ]] && breaks="$breaks="
  [[ -n "$breaks" && -z "$quote" ]] && stem="${current%"${current##*[$breaks]}"}"
  while IFS=$'\t' read -r it told; do
    [[ -n "$it" && "$it" == "$current"* ]] || continue
    it="$lead${it#"$stem"}"
    case "$quote" in
      '') printf -v it '%q' "$it" ;;
      \") it="${it//\\/\\\\}" it="${it//\"/\\\"}" it="${it//\$/\\\$}" it="${it//\`/\\\`}" ;;
      \') it="${it//\'/\'\\\'\'}" ;;
    esac
    COMPREPLY+=("$it")
  done <<<"$offers"
}

complete -o default -F _headgate headgate
