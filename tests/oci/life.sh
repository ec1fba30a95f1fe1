#!/bin/bash
# hoy as a runtime of the OCI runtime specification: the life of a container, from bundles made by hand.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=bundle.bash
. "$(dirname "$0")/bundle.bash"

test_life() { # rows=user,root short
	bundle '.process.args = ["sh", "-c", "echo out; echo err >&2; sleep 1000"]'
	run oci state c1
	assert_rc 1
	assert_err_has 'does not exist'
	run oci create --bundle b --pid-file "$T/pid" c1
	assert_ok
	status c1 created
	assert_eq "$(oci state c1 | field pid)" "$(cat "$T/pid")" 'pid file'
	run oci create --bundle b c1
	assert_rc 1
	assert_err_has 'already exists'
	run oci exec c1 true # also before the start
	assert_ok
	run oci start c1
	assert_ok
	status c1 running
	run oci start c1
	assert_rc 1
	run oci delete c1
	assert_rc 1
	assert_err_has 'not stopped'
	run oci list
	assert_match 'c1 .* running'
	run oci kill c1 KILL
	assert_ok
	wait_for stopped c1
	run oci kill c1
	assert_rc 1
	assert_err_has 'container not running'
	run oci exec c1 true
	assert_rc 255
	run oci delete c1
	assert_ok
	run oci delete c1
	assert_rc 1
	run oci delete --force c1
	assert_ok
	[ -z "$(ls -A "$T/oci")" ] || fail "left: $(ls -A "$T/oci")"
}

test_run_and_exec() { # rows=user,root short
	bundle '.process.args = ["sh", "-c", "echo $A; cat; exit 7"] | .process.env += ["A=b"]'
	echo in >"$T/in"
	run oci run --bundle b c1 <"$T/in"
	assert_rc 7
	assert_out $'b\nin'
	run oci state c1
	assert_rc 1
	bundle '.process.args = ["sleep", "1000"]'
	run oci run -d --bundle b c2
	assert_ok
	run oci exec --cwd /etc --env X=1 c2 sh -c 'pwd; echo $X; exit 9'
	assert_rc 9
	assert_out $'/etc\n1'
	run oci exec c2 nosuch
	assert_rc 255
	assert_err_has 'executable file not found in $PATH'
	run oci exec c2 /etc
	assert_err_has 'is a directory'
	printf '{"cwd":"/tmp","args":["sh","-c","pwd; umask"],"env":["PATH=/bin"],"user":{"uid":0,"gid":0,"umask":63}}' >"$T/p"
	run oci exec --process "$T/p" c2
	assert_out $'/tmp\n0077'
	run oci exec -d --pid-file "$T/pid" c2 sleep 999
	assert_ok
	[ "$(cat "/proc/$(cat "$T/pid")/comm")" = sleep ] || fail 'the pid of the exec'
	run oci ps -f json c2
	assert_has "$(cat "$T/pid")"
	run oci delete -f c2
	assert_ok
}

# Errors of the command are known at create, and told in words that engines look for.
test_command_errors() { # rows=user,root
	local c
	for c in 'nosuch|executable file not found in $PATH' '/nosuch|no such file or directory' '/etc|is a directory' '/etc/passwd|permission denied'; do
		bundle ".process.args = [\"${c%%|*}\"]"
		rm -f "$T/log"
		run oci --log "$T/log" --log-format json create --bundle b c1
		assert_rc 1
		assert_err_has "${c#*|}"
		run tail -1 "$T/log"
		assert_match '^\{"level":"error","msg":".*'
		assert_has "${c#*|}"
		run oci state c1
		assert_rc 1
	done
	bundle '.process.args = ["true"]'
	chmod 000 b/rootfs/bin/busybox
	run oci --log "$T/log2" create --bundle b c1
	assert_rc 1
	grep -q '^time="20.*" level=error msg="create failed: ' "$T/log2" || fail "log: $(cat "$T/log2")"
}

test_console() { # rows=user,root
	bundle '.process.terminal = true | .process.consoleSize = {"height": 11, "width": 33} |
		.process.args = ["sh", "-c", "tty; stty size; echo fin"]'
	run oci create --bundle b c1
	assert_rc 1
	assert_err_has 'console socket'
	console "$T/console"
	run oci create --bundle b --console-socket "$T/console" c1
	assert_ok
	run oci start c1
	assert_ok
	wait_for file_has "$T/console.out" fin
	run cat "$T/console.out"
	assert_has '/dev/pts/0'
	assert_has '11 33'
	wait_for stopped c1
	run oci delete c1
	assert_ok
	run with_pty -s 12x34 -- $HOY oci --root "$T/oci" run --bundle b c2
	assert_ok
	assert_has '12 34'
}

test_preserved_descriptors() { # rows=user,root
	bundle '.process.args = ["sh", "-c", "cat <&3; ls /proc/self/fd | wc -l"]'
	echo three >"$T/three"
	run oci run --bundle b --preserve-fds 1 c1 3<"$T/three" 4</dev/null
	assert_out $'three\n5' # 0 1 2 3 and that of the directory
}

# The creator may be killed at any moment: what is left is a container, or nothing.
test_killed_creator() { # rows=root
	local i st
	bundle '.process.args = ["sleep", "1000"]'
	for i in 0 0.0005 0.001 0.0015 0.002 0.0025 0.003 0.0035 0.004 0.005 0.006; do
		$HOY oci --root "$T/oci" create --bundle b k >/dev/null 2>&1 &
		sleep $i
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
		st=$(oci state k 2>/dev/null | field status)
		case $st in
		'' | stopped) ;;
		created) oci start k || fail "start of what was left ($i)" ;;
		*) fail "after $i: $st" ;;
		esac
		oci delete -f k || fail "delete ($i)"
		oci create --bundle b k || fail "create again ($i)"
		oci delete -f k || fail "delete again ($i)"
	done
	[ -z "$(ls -A "$T/oci")" ] || fail "left: $(ls -A "$T/oci")"
}

test_version_features_spec() { # rows=user
	ln -s "$(command -v "${HOY%% *}")" "$HOME/runc"
	run "$HOME/runc" --version
	assert_match '^runc version .*spec: 1\.2\.0'
	run "$HOME/runc" features
	assert_eq 1.2.0 "$(printf %s "$out" | jq -r .ociVersionMax)"
	assert_eq false "$(printf %s "$out" | jq -r .linux.intelRdt.enabled)"
	mkdir "$HOME/s"
	run "$HOME/runc" spec --rootless -b "$HOME/s"
	assert_ok
	run "$HOME/runc" spec -b "$HOME/s"
	assert_rc 1
	run "$HOME/runc" nosuch
	assert_rc 1
}

run_tests "$@"
