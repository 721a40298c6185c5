
# To readline a colon ends a word, and the names of models are provider:model.
_llmring_with_colons() {
  local -a words=()
  local rest=$COMP_LINE trimmed word i last=-1 current=0
  for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
    word=${COMP_WORDS[i]}
    trimmed=${rest#"${rest%%[![:space:]]*}"}
    if ((last > 0)) && [[ $trimmed == "$rest" && ($word == :* || ${words[last]} == *:) ]]; then
      words[last]+=$word
    else
      words+=("$word")
      last=$((last + 1))
    fi
    rest=${trimmed#"$word"}
    ((i <= COMP_CWORD)) && current=$last
  done
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$current
  _llmring
  local typed=${COMP_WORDS[COMP_CWORD]}
  [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]] || return 0
  local before
  printf -v before %q "${typed%"${typed##*:}"}"
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
}

complete -F _llmring_with_colons llmring
