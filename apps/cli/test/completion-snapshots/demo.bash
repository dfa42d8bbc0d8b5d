# ll and its programs for bash: source <(ll --completion bash)
_ll() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} program=${COMP_WORDS[0]##*/}
  local options="" words="" values="" first=1
  [[ $word == = ]] && before+== word=""
  [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}=
  COMPREPLY=()
  if [[ $program == ll ]]; then
    local verbs="demo twin pack"
    if [[ $COMP_CWORD == 1 || ${COMP_WORDS[1]} == help ]]; then
      [[ $COMP_CWORD == 1 ]] && verbs+=" help --help --version --completion"
      COMPREPLY=($(compgen -W "$verbs" -- "$word"))
      return 0
    fi
    program=ll-${COMP_WORDS[1]} first=2
  fi
  case $program in
    ll-demo|ll-twin)
      options="--file -f --n-predict -n --predict -eps --type --template --color --json" words=""
      case $before in
        --color=) values="auto never" ;;
        --type|--type=) values="f16 f32" ;;
        --n-predict|--n-predict=|-n|-n=|--predict|--predict=|-eps|-eps=) values="none" ;;
        --template) COMPREPLY=($(compgen -f -W "plain vicuna" -- "$word")); return 0 ;;
      esac ;;
    ll-pack)
      options="--json" words="q4_0 q8_0"
      case $before in
      esac ;;
    ll---completion) values="bash zsh fish" ;;
  esac
  if [[ $values != "" ]]; then
    [[ $values == none ]] && { compopt +o default; return 0; }
    COMPREPLY=($(compgen -W "$values" -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ $words != "" && $COMP_CWORD -gt $first ]]; then
    COMPREPLY=($(compgen -f -W "$words" -- "$word"))
  fi
  return 0
}
complete -o default -F _ll ll ll-demo ll-twin ll-pack
