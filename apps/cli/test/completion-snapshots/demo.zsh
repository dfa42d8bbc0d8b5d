#compdef ll ll-demo ll-twin ll-pack
# ll and its programs for zsh: a file _ll in a folder of $fpath, or: source <(ll --completion zsh)
_ll() {
  local program=$service
  if [[ $program == ll ]]; then
    local -a verbs=(
      'demo:shows it'\''s\: done'
      'twin:takes the same options'
      'pack:packs'
    )
    if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then
      (( CURRENT == 2 )) && compadd help --help --version --completion
      _describe program verbs
      return
    fi
    [[ $words[2] == --completion ]] && { compadd bash zsh fish; return; }
    program=ll-$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $program in
    (ll-demo|ll-twin)
      _arguments \
        '(--file -f)'{--file=,-f}'[a file; it'\''s read \[once\]\: whole]:FILE:_files' \
        '(--n-predict -n --predict)'{--n-predict=,-n,--predict=}'[tokens]:N: ' \
        '-eps[epsilon]:X: ' \
        '--type=[type]:TYPE:(f16 f32)' \
        '--template=[template]:NAME:{ _files; compadd plain vicuna }' \
        '--color[colour]' '--color=auto[colour]' '--color=never[colour]' \
        '--json[a $HOME `object`]' \
        '*:file:_files' ;;
    (ll-pack)
      _arguments \
        '--json[a $HOME `object`]' \
        '1:file:_files' '*:word:{ _files; compadd q4_0 q8_0 }' ;;
  esac
}
if [[ $funcstack[1] == _ll ]]; then _ll "$@"; else compdef _ll ll ll-demo ll-twin ll-pack; fi
