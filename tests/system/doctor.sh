#!/bin/bash
# doctor: what this machine allows, and what helps.
. "$(dirname "$0")/../lib.sh"

test_text_and_json_agree() { # short
	run hoy doctor
	[ "$rc" = 0 ] || [ "$rc" = 1 ] || fail "status: $(last)"
	assert_match '^OK +Kernel +Linux'
	run hoy doctor --json
	jq -e 'length > 10 and all(.[]; (.Status | IN("OK", "WARN", "FAIL")) and .Id and .Title and .Text)' "$T/out" >/dev/null || fail "$(last)"
	assert_eq "$(jq -r '.[].Id' "$T/out" | sort)" "$(jq -r '.[].Id' "$T/out" | sort -u)" ids
	run hoy doctor -f '{{.Id}} {{.Status}}'
	assert_match 'overlay OK'
	assert_match 'networks OK'
}

# It is no use if it does not say what a container then finds.
test_user_namespaces() {
	run hoy doctor -f '{{.Id}}={{.Status}} {{.Text}}'
	case $T_ROW in
	user) assert_match 'user-namespaces=OK 65537 ids' ;;
	one) assert_match 'user-namespaces=WARN one id only' ;;
	*) assert_match 'user-namespaces=OK' ;;
	esac
}

test_writes_nothing() { # short
	need strace
	export HOME=$T/empty
	unset HOY_ROOT
	mkdir "$HOME"
	hoy doctor >/dev/null
	hoy doctor --script >/dev/null
	assert_eq '' "$(ls -A "$HOME")" 'in the home directory'
	load busybox
	find "$HOME" -printf '%p %T@ %C@\n' | sort >"$T/before"
	hoy doctor >/dev/null
	find "$HOME" -printf '%p %T@ %C@\n' | sort | cmp -s "$T/before" - || fail 'the store was changed'
}

test_script() { # short
	run hoy doctor --script
	sh -n "$T/out" || fail "no script: $(last)"
	assert_match '^#!/bin/sh'
	assert_eq "$(hoy doctor --json | jq -r '.[] | select(.Status != "OK" and .Fix != "") | .Fix')" "$(grep -v '^#' "$T/out" | grep .)" commands
	run hoy doctor --script --json
	assert_err E-USAGE
}

test_no_new_privileges() { # rows=user
	run setpriv --no-new-privs $HOY doctor -q -f '{{.Id}}={{.Text}}'
	assert_match 'user-namespaces=one id only, because this process may gain no rights'
}

test_what_is_wrong() { # rows=user
	load busybox
	chmod 500 "$(store)"
	run hoy doctor -q -f '{{.Id}}={{.Status}}'
	chmod 700 "$(store)"
	assert_rc 1
	assert_match 'store=FAIL'
	mkdir -p "$HOME/.config/containers"
	echo 'unqualified-search-registries = 5' >"$HOME/.config/containers/registries.conf"
	run hoy doctor -q -f '{{.Id}}={{.Status}}'
	assert_rc 1
	assert_match 'registries=FAIL'
}

test_containers() { # rows=user
	load busybox
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run hoy doctor -f '{{.Id}}={{.Text}}'
	assert_match 'containers=1, none without'
	hoy rm -f -t 0 c >/dev/null
}

# info --security against what a container finds.
test_security() { # short
	load busybox
	run hoy info --security
	assert_ok
	assert_match 'Seccomp: the default profile'
	assert_match 'Program: neither setuid'
	[ "$(wc -L <"$T/out")" -le 200 ] || fail 'lines are too long'
	local mask=0 c i names
	names=$(hoy info --security -f '{{range .Capabilities}}{{.}} {{end}}')
	mask=$((0x$(hoy run --rm --network none busybox grep CapBnd /proc/self/status | tr -dc 0-9a-f | sed 's/^.*b\?d//')))
	i=0
	for c in $names; do i=$((i + 1)); done
	while [ "$mask" != 0 ]; do
		i=$((i - (mask & 1)))
		mask=$((mask >> 1))
	done
	assert_eq 0 "$i" 'capabilities named and not there'
	for c in $(hoy info --security -f '{{range .MaskedPaths}}{{.}} {{end}}'); do
		run hoy run --rm --network none busybox sh -c "[ ! -e $c ] || ! [ -s $c ] || [ -d $c ] && [ -z \"\$(ls $c 2>/dev/null)\" ] || [ -c $c ]"
		[ "$rc" = 0 ] || fail "$c is not hidden: $(last)"
	done
}

run_tests "$@"
