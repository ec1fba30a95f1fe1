# bash completion of hoy. The words up to the cursor go to `hoy __complete`, which knows the rest.
_hoy() {
	local line=${COMP_LINE:0:COMP_POINT} words word kept='' name found n
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	word=${words[${#words[@]} - 1]}
	# bash replaces only what stands behind the last of its word breaks; of these, hoy's words can hold ":" and "=".
	[[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && kept=${word%"${word##*:}"}
	[[ $COMP_WORDBREAKS == *=* && ${word#"$kept"} == *=* ]] && kept=${word%"${word##*=}"}
	COMPREPLY=()
	while IFS=$'\t' read -r name _; do
		case $name in
		:file* | :dir*)
			n=${name##*:} n=${n//[a-z]/} n=${n:-0}
			[[ $name == :dir* ]] && name=-d || name=-f
			mapfile -t found < <(compgen "$name" -- "${word:n}") && compopt -o filenames
			found=("${found[@]/#/"${word:0:n}"}")
			;;
		*) found=("$name") ;;
		esac
		COMPREPLY+=("${found[@]#"$kept"}")
	done < <("${words[0]/#\~\//$HOME/}" __complete -- "${words[@]:1}" 2>/dev/null)
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:,.] ]] && compopt -o nospace
	return 0
}
complete -F _hoy hoy
