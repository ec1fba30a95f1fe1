#!/bin/bash
# corpus.sh - what hoy makes of the Dockerfiles of corpus/ is what podman makes of them (tests/build/record), but for what differences.list explains.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

here=$(cd "$(dirname "$0")" && pwd)

# corpus PATTERN...: builds these cases, in one store and with its cache, and compares all that they gave at the end.
corpus() {
	local b c args
	python3 "$here/corpus.py" bases "$T_FIX" "$T/bases" || fail 'no base images'
	for b in "$T"/bases/*.tar; do hoy load -q -i "$b" >/dev/null || fail "load $b"; done
	mkdir "$T/ctx" "$T/images"
	python3 "$here/corpus.py" unpack-all "$here/corpus" "$T/ctx" "$@" || fail 'the cases cannot be unpacked'
	for c in "$T"/ctx/*/; do
		c=${c%/} c=${c##*/}
		mapfile -t args <"$T/ctx/$c.args"
		(cd "$T/ctx/$c" && hoy build -q --format docker --network none --output "type=docker,dest=$T/images/$c.tar" "${args[@]}" .) \
			>"$T/log.$c" 2>&1 </dev/null || printf '%s\n' "$c: $(head -n 4 "$T/log.$c")" >>"$T/bad"
	done
	python3 "$here/corpus.py" show-all "$here/corpus" "$T/images" "$T/bases" "$T/got" >>"$T/bad" 2>&1
	python3 "$here/corpus.py" compare "$here/expected" "$here/differences.list" "$T/got" "$T_ROW" >>"$T/bad" 2>&1
	[ ! -s "$T/bad" ] || fail "$(head -c 3000 "$T/bad")"
	chmod -R u+rwX "$T/ctx"
}

test_languages() { # others than those below
	corpus 'c-*' 'java-*' 'static-*' 'debian-*' 'alpine-*' 'fedora-*' 'rust-*' 'ruby-*' 'php-*'
}
test_go_node_python() { # rows=user,one,root
	corpus 'go-*' 'node-*' 'python-*'
}
test_config() {
	corpus 'env-*' 'arg-*' 'label-*' 'expose-*' 'volume-*' 'user-*' 'workdir-*' 'cmd-*' 'shell-*' 'stopsignal-*' 'health-*' 'maintainer' 'onbuild-*'
}
test_copy() { # rows=user,one,root
	corpus 'copy-*' 'add-*'
}
test_ignore_and_text() {
	corpus 'ignore-*' 'directive-*' 'parse-*' 'stage-*' 'from-*' 'flag-*'
}
test_run() { # rows=user,one,root
	corpus 'run-*'
}

# Each case is in one of the tests above, and has an expectation.
test_all_are_tried() {
	local c words
	words=$(grep -o "corpus '.*" "$0" | tr -d "'")
	for c in "$here"/corpus/*; do
		c=${c##*/}
		[ -f "$here/expected/$c" ] || fail "$c: nothing is expected of it (tests/build/record)"
		for w in $words; do
			# shellcheck disable=SC2053
			[[ $c != $w ]] || continue 2
		done
		fail "$c is in no test"
	done
}

run_tests "$@"
