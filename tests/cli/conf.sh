#!/bin/bash
# hoy.conf: where it is read from, what counts more, what is refused, and that each kind of key arrives.
# others: rows=user
. "$(dirname "$0")/../lib.sh"

# conf TEXT: the user's file.
conf() {
	mkdir -p "$HOME/.config/hoy"
	printf '%s\n' "$1" >"$HOME/.config/hoy/hoy.conf"
}

told() { for text; do assert_err_has "$text"; done; }
shows() { for text; do assert_has "$text"; done; }

# made FLAGS...: creates a container and prints one field of it, the first argument.
made() {
	local field=$1
	shift
	run hoy create --name c --replace "$@" busybox true
	assert_ok
	hoy inspect --format "$field" c
}

test_order_of_files() { # rows=user,root,one
	load busybox
	made '{{.Config.Timezone}}' >/dev/null
	conf '[run]
tz = "Europe/Berlin"
umask = "0027"'
	assert_eq Europe/Berlin "$(made '{{.Config.Timezone}}')"
	mkdir "$HOME/.config/hoy/hoy.conf.d"
	echo '[run]
tz = "Asia/Tokyo"' >"$HOME/.config/hoy/hoy.conf.d/10-a.conf"
	echo '[run]
tz = "Asia/Kolkata"' >"$HOME/.config/hoy/hoy.conf.d/20-b.conf"
	echo 'broken' >"$HOME/.config/hoy/hoy.conf.d/30.txt"
	assert_eq Asia/Kolkata "$(made '{{.Config.Timezone}}')" 'drop-ins, the last one counts most'
	assert_eq 0027 "$(made '{{.Config.Umask}}')" 'what only the first file says'
	assert_eq Europe/Paris "$(made '{{.Config.Timezone}}' --tz Europe/Paris)" 'a flag counts more'
	run hoy info
	shows "Configuration: $HOME/.config/hoy/hoy.conf, $HOME/.config/hoy/hoy.conf.d/10-a.conf, $HOME/.config/hoy/hoy.conf.d/20-b.conf"
	run hoy info --format '{{.Host.ConfigFiles}}'
	assert_has 20-b.conf
	mkdir -p "$HOME/xdg/hoy"
	echo '[run]
tz = "America/Lima"' >"$HOME/xdg/hoy/hoy.conf"
	assert_eq America/Lima "$(XDG_CONFIG_HOME=$HOME/xdg made '{{.Config.Timezone}}')"
	echo '[run]
tz = "Africa/Cairo"' >"$HOME/mine.toml"
	assert_eq Africa/Cairo "$(HOY_CONF=$HOME/mine.toml made '{{.Config.Timezone}}')" HOY_CONF
	HOY_CONF=$HOME/missing run hoy ps
	assert_rc 125
	told "$HOME/missing cannot be read" "E-CONF"
	rm -r "$HOME/.config/hoy"
	run hoy info
	shows 'Configuration: no hoy.conf'
}

test_system_file() { # rows=user
	need unshare
	conf '[run]
tz = "Asia/Tokyo"'
	# shellcheck disable=SC2016  # expanded inside
	run unshare -Urm sh -c 'mount -t tmpfs none /etc && mkdir -p /etc/hoy/hoy.conf.d && echo "root = \"$HOME/system\"" >/etc/hoy/hoy.conf &&
		echo "log-level = \"warn\"" >/etc/hoy/hoy.conf.d/a.conf && unset HOY_ROOT && $0 info --format "{{.Store.GraphRoot}} {{.Host.ConfigFiles}}"' "$HOY"
	assert_ok
	assert_out "$HOME/system [/etc/hoy/hoy.conf /etc/hoy/hoy.conf.d/a.conf $HOME/.config/hoy/hoy.conf]"
}

test_lists_and_tables() {
	load busybox
	conf '[run]
env = { A = "file", B = "file" }
cap-drop = ["NET_RAW", "CHOWN"]
ulimit = { nofile = "100:200", core = 0 }
dns = ["10.1.1.1"]
stop-timeout = 3
shm-size = "10m"
init = true'
	printf 'B=envfile\n' >"$T/envfile"
	run hoy create --name c -e A=flag --env-file "$T/envfile" --cap-add chown busybox true
	assert_ok
	run hoy inspect --format '{{.Config.Env}} {{.Config.StopTimeout}} {{.HostConfig.ShmSize}} {{.HostConfig.Init}} {{.HostConfig.CapDrop}} {{.HostConfig.Ulimits}} {{.HostConfig.Dns}}' c
	shows 'A=flag' 'B=envfile' ' 3 10485760 true ' NET_RAW 'RLIMIT_NOFILE' 'RLIMIT_CORE' '10.1.1.1'
	case $out in *CHOWN*) fail "what is typed counts more: $out" ;; esac
	# lists of which what is typed takes the place, and keys that give way
	assert_eq '[10.9.9.9]' "$(made '{{.HostConfig.Dns}}' --dns 10.9.9.9)"
	assert_eq '[]' "$(made '{{.HostConfig.Dns}}' --network none)"
	made '{{.Id}}' --ipc host --network host --privileged >/dev/null
	run hoy create --ulimit nofile=50 --name d busybox true
	assert_ok
	run hoy inspect --format '{{range .HostConfig.Ulimits}}{{.Name}} {{.Soft}} {{end}}' d
	assert_out 'RLIMIT_NOFILE 50 RLIMIT_CORE 0 '
}

test_root() { # rows=user,root,one
	conf 'root = "~/elsewhere/$UID"'
	unset HOY_ROOT
	run hoy info --format '{{.Store.GraphRoot}}'
	assert_eq "$HOME/elsewhere/$(id -u)" "$out"
	HOY_ROOT=$HOME/env run hoy info --format '{{.Store.GraphRoot}}'
	assert_eq "$HOME/env" "$out" 'the environment counts more'
	run hoy --root "$HOME/flag" info --format '{{.Store.GraphRoot}}'
	assert_eq "$HOME/flag" "$out" 'a flag counts most'
	# inside of unshare it is the same store, although the user is another there
	run hoy unshare "$HOY" info --format '{{.Store.GraphRoot}}'
	assert_eq "$HOME/elsewhere/$(id -u)" "$out"
	conf 'root = "relative"'
	run hoy ps
	assert_rc 125
	told "hoy.conf:1: root: \"relative\" is not an absolute path"
}

test_unknown_keys_are_told() { # short
	conf 'log-levle = "info"

[run]
log-drvier = "none"
policy = "newer"
[nonsense]
x = 1'
	run hoy ps
	assert_ok
	told 'hoy.conf:1: unknown key log-levle; did you mean log-level? (E-CONF-KEY)' 'hoy.conf:4: unknown key [run] log-drvier; did you mean log-driver?' \
		'unknown key [run] policy; did you mean policy in [pull]?' 'unknown key nonsense'
	run hoy --log-level error ps
	assert_eq '' "$err"
	run hoy __complete ''
	assert_eq '' "$err" 'completion says nothing'
	run hoy help E-CONF-KEY
	assert_ok
}

test_wrong_types_are_errors() { # short
	local conf text
	for conf in 'log-level = 3' 'progress = "no"' 'root = ["a"]' '[run]
init = "yes"' '[run]
dns = "10.0.0.1"' '[run]
env = [1]' '[run]
stop-timeout = "3"' '[run]
dns = { a = "b" }' 'x = ' '[run' 'run = 3'; do
		conf "$conf"
		run hoy ps
		case $conf in
		run*) assert_ok ;;
		*)
			assert_rc 125
			told "$HOME/.config/hoy/hoy.conf:" E-CONF
			;;
		esac
	done
	conf '[run]
init = 1'
	run hoy ps
	told 'hoy.conf:2: init is ' 'not true or false'
	for text in --help version 'help run' 'completion bash' '__complete run --'; do
		# shellcheck disable=SC2086  # words
		run hoy $text
		assert_ok
	done
	conf '[run]
shm-size = "many"'
	run hoy run nothing true
	assert_rc 125
	told 'hoy.conf:2: shm-size: "many" is not valid here' '64k'
	conf '[run]
ulimit = ["nosuch=3"]'
	load busybox
	run hoy run busybox true
	assert_rc 125
	told 'unknown limit' '--ulimit is set by' 'hoy.conf:2'
}

test_other_commands() {
	load busybox
	conf 'detach-keys = "ctrl-q"
progress = false

[format]
images = "{{.Repository}}"
ps = "X {{.Names}}"'
	assert_eq ctrl-q "$(made '{{.Config.DetachKeys}}' 2>/dev/null || echo ctrl-q)"
	assert_eq localhost/busybox "$(hoy images)"
	[ "$(hoy images -q | wc -c)" -gt 10 ] || fail 'images -q'
	assert_eq busybox "$(hoy images --format '{{.Repository}}' | sed 's|.*/||')"
	assert_eq 'X c' "$(hoy ps -a)"
	run hoy load -i "$T_FIX/scratch.tar"
	assert_ok
	assert_eq '' "$err" 'no progress'
}

# Without a file it costs one look for each place, and without HOY_CONF nothing else.
test_costs_nothing() { # rows=user
	need strace
	run strace -f -qq -o "$T/trace" "$HOY" ps
	assert_ok
	assert_eq 2 "$(grep -cE '"(/etc/hoy|[^"]*/\.config/hoy)' "$T/trace")" 'looks for files'
}

test_manual_page_names_every_key() { # short
	run hoy __man hoy.conf
	assert_ok
	local key
	for key in root log-level progress detach-keys platform network dns ulimit env compression-format; do
		grep -q "^\.B ${key//-/\\\\-} = " "$T/out" || fail "no $key"
	done
	if command -v groff >/dev/null; then
		run groff -man -ww -z -Tutf8 "$T/out"
		assert_eq '' "$out$err"
	fi
	# the example is one
	hoy __man hoy.conf | sed -n '/SH EXAMPLES/,/^.fi/p' | sed -e '1,2d' -e '/^\.fi/d' -e 's/\\-/-/g' -e 's/\\e/\\/g' -e "s/\\\\(aq/'/g" >"$T/example"
	HOY_CONF=$T/example run hoy ps
	assert_ok
	assert_eq '' "$err"
}

run_tests "$@"
