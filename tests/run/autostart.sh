#!/bin/bash
# autostart: what starts after a boot, and how that is arranged.
. "$(dirname "$0")/../lib.sh"

# another_boot: what runs is killed, and the records are of another boot.
another_boot() {
	local s
	for s in "$@"; do kill -9 "$(hoy inspect -f '{{.State.ConmonPid}}' "$s")" "$(hoy inspect -f '{{.State.Pid}}' "$s")" 2>/dev/null; done
	wait_for none_runs
	sed -i 's/"Boot": *"[^"]*"/"Boot": "0000"/I' "$(store)"/containers/*/state.json
}
# shellcheck disable=SC2317  # called by wait_for
none_runs() { [ -z "$(hoy ps -q)" ]; }

test_starts_by_policy() {
	load busybox
	hoy run -d --name always --restart always --network none busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name unless --restart unless-stopped --network none busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name stopped --restart unless-stopped --network none busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name no --network none busybox sleep 1000 >/dev/null || fail run
	hoy stop -t 0 stopped >/dev/null
	another_boot always unless no
	run hoy autostart
	assert_ok
	assert_eq $'always\nunless' "$(sort "$T/out")" 'what was started'
	run hoy ps --format '{{.Names}}'
	assert_eq $'always\nunless' "$(sort "$T/out")" 'what runs'
	run hoy autostart
	assert_ok
	assert_out ''
	hoy rm -af -t 0 >/dev/null
}

test_in_the_right_order() { # rows=user
	load busybox
	hoy run -d --name first --restart always --network none busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name second --restart always --network none --ipc container:first busybox sleep 1000 >/dev/null || fail run
	hoy rename first zfirst
	another_boot zfirst second
	run hoy autostart
	assert_ok
	assert_eq $'second\nzfirst' "$(hoy ps --format '{{.Names}}' | sort)" 'what runs'
	hoy rm -af -t 0 >/dev/null
}

# a_crontab: one that behaves as cron's, on a file of the test.
a_crontab() {
	mkdir -p "$T/bin"
	cat >"$T/bin/crontab" <<-END
		#!/bin/sh
		case \$1 in
		-l) [ -e $T/table ] || { echo "no crontab for \$USER" >&2; exit 1; }; cat $T/table ;;
		-) cat >$T/table ;;
		esac
	END
	chmod +x "$T/bin/crontab"
	export PATH=$T/bin:$PATH
}

test_cron() { # short
	[ ! -e /run/systemd/system ] || skip 'systemd runs here'
	a_crontab
	run hoy autostart status
	assert_rc 1
	assert_out off
	printf 'MAILTO=me\n# a comment\n5 4 * * * true %% x' >"$T/table"
	cp "$T/table" "$T/before"
	run hoy --root "$T/a %b'c" autostart on
	assert_ok
	assert_out 'on (cron): crontab'
	assert_eq 1 "$(grep -c '^@reboot' "$T/table")" 'lines of ours'
	head -c "$(stat -c %s "$T/before")" "$T/table" | cmp -s - "$T/before" || fail 'other lines were changed'
	grep -q "autostart # made by" "$T/table" || fail "$(cat "$T/table")"
	# as cron reads it: \% is %, and the shell gets the rest
	assert_eq "$T/a %b'c" "$(eval "set -- $(sed -n 's/^@reboot \(.*\) # made by.*/\1/p' "$T/table" | sed 's/\\%/%/g')"; echo "$3")" 'the store'
	cp "$T/table" "$T/once"
	run hoy --root "$T/a %b'c" autostart on
	assert_ok
	cmp -s "$T/table" "$T/once" || fail 'another time changes something'
	run hoy autostart status
	assert_ok
	run hoy autostart off
	assert_out off
	assert_eq "$(cat "$T/before")" "$(cat "$T/table")" table
	run hoy autostart off
	assert_out 'off (it was not on)'
}

test_neither() { # short
	[ ! -e /run/systemd/system ] || skip 'systemd runs here'
	mkdir "$T/empty"
	local hoy=${HOY%% *}
	hoy=$(command -v "$hoy")
	run env PATH="$T/empty" "$hoy" autostart on
	assert_err E-AUTOSTART
	run hoy autostart up
	assert_err E-USAGE
}

# with_systemd SCRIPT: as an ordinary user, as if systemd ran here, with a systemctl that only writes down what it is asked for.
with_systemd() {
	unshare -m bash -c '
		mount -t tmpfs -o mode=777 run /run && mkdir -p /run/systemd/system /run/bin &&
		printf "#!/bin/sh\necho \"\$@\" >>/run/calls\n" >/run/bin/systemctl && chmod 755 /run/bin/systemctl &&
		PATH=/run/bin:$PATH HOME=/run/home exec setpriv --reuid 65534 --regid 65534 --clear-groups bash -c "mkdir /run/home; $0"' "$1"
}

test_systemd() { # rows=root
	need unshare setpriv
	run with_systemd "
		$HOY --root '/x y%z' autostart on; $HOY autostart status; cat /run/home/.config/systemd/user/*
		$HOY autostart off; $HOY autostart status; cat /run/calls; ls /run/home/.config/systemd/user"
	assert_ok
	assert_eq 2 "$(grep -cFx 'on (systemd): /run/home/.config/systemd/user/hoy-autostart.service' "$T/out")" 'said to be on'
	assert_match 'ExecStart="[^"]*hoy" --root "/x y%%z" autostart'
	assert_match $'WantedBy=default.target\noff\noff\n--user daemon-reload\n--user enable hoy-autostart.service\n--user disable hoy-autostart.service$'
	assert_err_has 'loginctl enable-linger'
}

run_tests "$@"
