#compdef headgate
# zsh completion of headgate: source <(headgate completion zsh), after compinit

#TABLE

_headgate() {
  local noun="" verb="" current previous found it
  local -a typed offers values told
  typed=("${(@Q)words[1,CURRENT]}")
  (( CURRENT > 2 )) && noun="$typed[2]"
  (( CURRENT > 3 )) && verb="$typed[3]"
  # Up to the cursor; a quote that is not closed yet is not taken away by (Q).
  current="${(Q)PREFIX}"
  current="${current#[\"\']}"
  typed[CURRENT]="$current"
  previous="$typed[CURRENT-1]"
  if [[ "$current" == --*=* ]]; then
    previous="${current%%=*}"
    current="${current#*=}"
    compset -P '*='
  fi
  found="$(_headgate_words "$noun" "$verb" "$previous" "$current")"
  if [[ "$found" == @files ]]; then
    _files
    return
  fi
  if [[ "$found" == @values ]]; then
    offers=("${(@f)$(_headgate_ask "$typed[1]" "${(@)typed[2,CURRENT]}")}")
    for it in "$offers[@]"; do
      [[ -n "$it" ]] || continue
      values+=("${it%%$'\t'*}")
      told+=("${it%%$'\t'*}${${it#*$'\t'}:+  -- ${it#*$'\t'}}")
    done
    if (( $#values > 0 )); then
      compadd -l -d told -a -- values
      return
    fi
    [[ "$previous" == -* ]] || found="$(_headgate_words "$noun" "$verb" "" -)"
  fi
  [[ "$found" == @* ]] || compadd -- ${=found}
}

compdef _headgate headgate
