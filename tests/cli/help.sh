#!/bin/bash
# Help, manual pages and the errors of the command line: what only a whole run shows.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# every_command: all commands that people can type, one "name" or "group name" a line.
every_command() {
	local c
	hoy __complete -- '' | cut -f1 | while read -r c; do
		echo "$c"
		hoy __complete -- "$c" '' | grep -v '^:' | cut -f1 | while read -r s; do
			hoy help "$c" 2>/dev/null | grep -q '^Usage: hoy [a-z]* COMMAND' && echo "$c $s"
		done
	done
}

# roff_line: a line of a manual page as it is read.
plain() { sed -e 's/\\-/-/g' -e 's/\\&//g' -e "s/\\\\(aq/'/g" -e 's/\\e/\\/g'; }

test_overview() { # short
	run hoy --help
	assert_ok
	assert_quiet
	assert_has 'Usage: hoy'
	cp "$T/out" "$T/overview"
	run hoy help
	assert_bytes "$T/overview" "$T/out"
	run hoy
	assert_rc 125
	assert_has 'Usage: hoy'
}

test_every_command_explains_itself() { # short
	local c n=0
	while read -r c; do
		# shellcheck disable=SC2086
		run hoy help $c
		assert_ok
		assert_quiet
		assert_match '^Usage: hoy '
		[ "$(wc -L <"$T/out")" -le 80 ] || fail "help of $c is wider than 80 columns"
		cp "$T/out" "$T/page"
		# shellcheck disable=SC2086
		run hoy $c --help
		assert_bytes "$T/page" "$T/out"
		n=$((n + 1))
	done < <(every_command)
	[ $n -ge 5 ] || fail "only $n commands were found"
}

test_man_lists_exit_codes_in_order() {
	run sh -c '$1 __man run | sed -n "/^.SH EXIT/,/^.SH EXAM/p" | grep -oE "^\.B [0-9]+" | sort -c -n -k2' - "$HOY"
	assert_ok
	run sh -c '$1 __man hoy | sed -n "/^.SH EXIT/,/^.SH ENV/p" | grep -oE "^\.B [0-9]+" | tee /dev/stderr | sort -c -n -k2' - "$HOY"
	assert_ok
	assert_err_has .B
}

test_man_says_what_help_says() {
	local c
	while read -r c; do
		# shellcheck disable=SC2086
		hoy help $c >"$T/help"
		# shellcheck disable=SC2086
		hoy __man $c >"$T/man"
		assert_eq "$(sed -n 's/^Usage: //p' "$T/help" | sed 's/ \.\.\.$//')" "$(plain <"$T/man" | sed -n '/^.SH SYNOPSIS/{n;s/^\.B //p}')" "synopsis of $c"
		assert_eq "$(sed -n '/^Flags:/,/^$/s/^ *\(-[^ ].*\)$/\1/p' "$T/help" | sed 's/  .*//' | grep '^-')" \
			"$(plain <"$T/man" | sed -n '/^.SH OPTIONS/,/^.SH EXIT/s/^\.B \(-.*\)/\1/p')" "flags of $c"
		grep -q '^.SH EXAMPLES' "$T/man" || grep -q '^.SH COMMANDS' "$T/man" || fail "the page of $c has no examples"
	done < <(every_command)
}

# The second names that fingers know (podman's and docker's command trees).
test_aliases() { # short
	local one other
	while read -r one other; do
		# shellcheck disable=SC2086
		assert_eq "$(hoy help $one | head -1)" "$(hoy help $other 2>&1 | head -1)" "hoy $other"
	done <<-'E'
		attach container attach
		create container create
		exec container exec
		kill container kill
		logs container logs
		ps container ls
		ps container list
		ps container ps
		rm container rm
		rm container remove
		run container run
		start container start
		stop container stop
		wait container wait
		images image ls
		images image list
		load image load
		rmi image rm
		rmi image remove
		tag image tag
		untag image untag
		info system info
	E
}

test_error_ids() { # short
	local id command n=0
	while read -r id; do
		run hoy help "$id"
		assert_ok
		assert_match "^$id"
		for command in $(grep -oE 'hoy (container|image|system) [a-z]+' <<<"$(tr -s '\n ' ' ' <<<"$out")" | tr ' ' /); do
			run hoy help "$(cut -d/ -f2- <<<"$command" | tr / ' ')"
			assert_ok
		done
		n=$((n + 1))
	done < <(hoy help errors | sed -n 's/^  \(E-.*\)/\1/p')
	[ $n -ge 7 ] || fail "only $n ids were listed"
	run hoy help e-usage
	assert_has E-USAGE
	run hoy help E-NOPE
	assert_err E-USAGE E-NOPE
}

# What podman or docker have and hoy has not: the reason and what to do instead, never the name of something else.
test_absent() { # short
	local row
	for row in 'create --oom-kill-disable x|cgroup v2|memory.high' \
		'run --pod x y|pods' \
		'compose up|one container|hoy run'; do
		# shellcheck disable=SC2086
		run hoy ${row%%|*}
		assert_err E-ABSENT
		case $err in *'did you mean'*) fail "a wrong guess: $(last)" ;; esac
		while [[ $row == *\|* ]]; do
			row=${row#*|}
			assert_err_has "${row%%|*}"
		done
	done
	load busybox
	run hoy run --rm --restart no --no-healthcheck busybox true # what is so anyway
	assert_ok
	run hoy run -rm x
	assert_err E-USAGE 'did you mean --rm?'
	run hoy container nope
	assert_err E-USAGE 'hoy container --help lists the commands'
}

test_refusals() { # short
	run hoy vresion
	assert_err E-USAGE 'did you mean hoy version?'
	run hoy image nope
	assert_err E-USAGE
	# A wrong guess is worse than none.
	local word
	for word in 'image foo' 'system reboot'; do
		# shellcheck disable=SC2086
		run hoy $word
		assert_err E-USAGE
		case $err in *'did you mean'*) fail "$word: $err" ;; esac
	done
	run hoy image
	assert_err E-USAGE
	run hoy --rot x version
	assert_err E-USAGE 'did you mean --root?'
	run hoy version extra
	assert_err E-USAGE extra
	run hoy version --format
	assert_err E-USAGE 'needs a value'
	run hoy $'ver\e[31m\nsion'
	assert_err E-USAGE '\x1b[31m\n'
	run hoy help $'\xff\x9b'
	assert_err E-USAGE '\xff\x9b'
	run hoy --log-level loud version
	assert_err E-USAGE 'debug info warn error'
}

test_version() { # short
	run hoy --version
	assert_ok
	assert_match '^hoy version [0-9]+\.[0-9]+\.[0-9]+$'
	run hoy -v
	assert_match '^hoy version '
}

# Scripts ask both halves, in podman's and docker's names.
test_version_fields() { # short
	local v
	v=$(hoy --version) && v=${v##* }
	run hoy version --format '{{.Server.Version}} {{.Client.Version}} {{.Client.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}'
	assert_match "^$v $v $v linux/[a-z0-9]+$"
	run hoy version -f json
	assert_eq "$v" "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["Client"]["Version"])' <"$T/out")"
	run hoy version --format '{{.Server.Vresion}}'
	assert_err E-FORMAT 'did you mean .Version?'
	run hoy version --format '{{.Server'
	assert_err E-FORMAT 'template:1'
}

test_info() { # short
	local wanted=sub
	[ "$T_ROW" = user ] || wanted=$T_ROW
	run hoy info
	assert_ok
	assert_quiet
	assert_has 'User Namespaces: '
	assert_has 'Overlay: yes'
	assert_has "Store: $HOY_ROOT"
	run hoy info --format '{{.Host.UserNamespace.Form}}|{{.Store.GraphRoot}}|{{.DockerRootDir}}|{{.Containers}}|{{.Images}}'
	assert_out "$wanted|$HOY_ROOT|$HOY_ROOT|0|0"
	run hoy info --format '{{.ServerVersion}}{{.Driver}}{{.OSType}}{{.Architecture}}{{.OperatingSystem}}{{.NCPU}}{{.MemTotal}}{{.Swarm.LocalNodeState}}{{.Runtimes}}{{.Name}}{{.CgroupVersion}}'
	assert_ok
	run hoy system info --format json
	assert_eq "$HOY_ROOT" "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["store"]["graphRoot"])' <"$T/out")"
	ln -s "$(command -v "${HOY%% *}")" "$HOME/docker"
	run "$HOME/docker" info --format json
	assert_eq "$HOY_ROOT" "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["DockerRootDir"])' <"$T/out")"
	assert_eq 1 "$(wc -l <"$T/out")"
	[ "$(ls_count "$HOY_ROOT/tmp")" = 0 ] || fail 'the trial left something behind'
}

# Without user namespaces the facts are still shown, and the reason.
test_info_without_user_namespaces() { # rows=user
	need unshare
	run unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --no-new-privs --bounding-set -all --inh-caps -all "$@"' - $HOY info
	assert_ok
	assert_has 'Store: '
}

# Called through a link; and with standard descriptors closed or broken.
test_surroundings() { # short
	ln -s "$(command -v "${HOY%% *}")" "$HOME/docker"
	run "$HOME/docker" --version
	assert_ok
	run hoy help 0<&- 2>&-
	assert_ok
	hoy help >&- 2>"$T/err" || fail "a closed standard output: $(cat "$T/err")"
	if [ -w /dev/full ]; then
		hoy help >/dev/full 2>"$T/err"
		assert_eq 125 $? 'status on a full disk'
		grep -q E-DISK-FULL "$T/err" || fail "a full disk is not named: $(cat "$T/err")"
		grep -q "hint:.*redirected" "$T/err" || fail "the hint is about the store: $(cat "$T/err")"
	fi
	bash -c 'set -o pipefail; '"$HOY"' help errors | true' 2>"$T/err"
	[ ! -s "$T/err" ] || fail "a closed pipe is not worth a word: $(cat "$T/err")"
	(
		trap '' PIPE
		# wait until nobody reads
		{ sleep 0.2; hoy help 2>"$T/err"; echo $? >"$T/status"; } | :
	)
	assert_eq 141 "$(cat "$T/status")" 'status on a closed pipe with SIGPIPE ignored'
	[ ! -s "$T/err" ] || fail "a closed pipe is not worth a word: $(cat "$T/err")"
}

run_tests "$@"
