#!/bin/bash
# attacks.list and the tests agree.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$(dirname "$(readlink -f "$0")")
list=$(dirname "$dir")/attacks.list

test_every_row_is_tried_or_waits() { # short rows=user
	local area ids what how one
	[ "$(grep -vc '^#' "$list")" -ge 60 ] || fail 'rows are missing'
	while IFS=$'\t' read -r area ids what how; do
		case $area in '#'*) continue ;; esac
		[ -n "$how" ] || fail "$ids: four fields are needed"
		while [ -n "$how" ]; do
			one=${how%%; *}
			case $how in *'; '*) how=${how#*; } ;; *) how='' ;; esac
			case $one in
			'waits: '?*) ;;
			*/test_*) grep -q "^${one#*/}() {" "$dir/${one%%/*}.sh" || fail "$ids ($what): no test $one" ;;
			*) fail "$ids: '$one' is neither a test nor a feature" ;;
			esac
		done
	done <"$list"
}

test_every_test_has_a_row() { # short rows=user
	local f t
	for f in "$dir"/*.sh; do
		[ "$(basename "$f")" = list.sh ] && continue
		sed -nE 's/^(test_[A-Za-z0-9_]+)\(\) \{.*/\1/p' "$f" | while read -r t; do
			grep -q "$(basename "$f" .sh)/$t" "$list" || echo "$(basename "$f" .sh)/$t"
		done
	done >"$T/unnamed"
	[ ! -s "$T/unnamed" ] || fail "not in attacks.list: $(paste -sd' ' "$T/unnamed")"
}

run_tests "$@"
