# bash completion of hoy. The words up to the cursor go to `hoy __complete`, which knows the rest.
_hoy() {
	local line=${COMP_LINE:0:COMP_POINT} words word kept='' name found
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	word=${words[${#words[@]} - 1]}
	# bash replaces only what stands behind the last of its word breaks; of these, hoy's words can hold ":" and "=".
	[[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && kept=${word%"${word##*:}"}
	[[ $COMP_WORDBREAKS == *=* && ${word#"$kept"} == *=* ]] && kept=${word%"${word##*=}"}
	COMPREPLY=()
	while IFS=$'\t' read -r name _; do
		case $name in
		:file) mapfile -t found < <(compgen -f -- "${word#*=}") && compopt -o filenames ;;
		:dir) mapfile -t found < <(compgen -d -- "${word#*=}") && compopt -o filenames ;;
		*) found=("${name#"$kept"}") ;;
		esac
		COMPREPLY+=("${found[@]}")
	done < <("${words[0]/#\~\//$HOME/}" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _hoy hoy
