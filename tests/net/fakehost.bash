# shellcheck shell=bash
# fakehost.bash - a machine of the test's own to run containers on: network and mount namespaces with a loopback device, an /etc that can be
# written, and name servers that do what the test wants.
#
#     test_x() { # short
#             on_fake_host x
#     }
#     x() { nameserver 127.0.0.53 && ... }
# The file ends with `fakehost_tests "$@"` in place of run_tests.

TOOLS=$(cd "$(dirname "$0")/../tools" && pwd)

# on_fake_host FUNCTION: runs it there, as root of a user namespace (as root itself, in the row of root), with a store of its own.
on_fake_host() {
	need unshare ip python3 dig
	local o=(--mount --net)
	case $T_ROW in
	user) o+=(--map-root-user --map-auto) ;;
	one) o+=(--map-root-user) ;;
	esac
	HOY_ROOT=$T/fake unshare "${o[@]}" bash "$0" --on-fake-host "$1" || fail "$1 failed"
	remove_tree "$T/fake"
}

set_up_host() {
	mount --make-rprivate / && ip link set lo up && ip addr add 198.51.100.1/24 dev lo || fail 'no fake host'
	mkdir "$T/etc" && mount -t tmpfs etc "$T/etc" && mkdir "$T/etc/upper" "$T/etc/work" || fail 'no tmpfs'
	mount -t overlay -o "lowerdir=/etc,upperdir=$T/etc/upper,workdir=$T/etc/work" overlay /etc || fail 'no /etc that can be written'
	rm -f /etc/resolv.conf
	resolv_conf 127.0.0.53
}

# resolv_conf ADDRESS...: the host's, replaced as programs do it.
resolv_conf() {
	printf 'nameserver %s\n' "$@" >/etc/resolv.conf.new
	mv /etc/resolv.conf.new /etc/resolv.conf
}

kill_servers() {
	local p
	[ ! -e "$T/servers" ] || while read -r p; do kill -9 "$p"; done <"$T/servers"
} 2>/dev/null
# nameserver ADDRESS: starts one (tools/nameserver.py); its pid is in $NS, its log in $T/ADDRESS.
nameserver() {
	: >"$T/$1"
	python3 -B "$TOOLS/nameserver.py" "$1" "$T/$1" </dev/null &
	NS=$!
	server $NS
	wait_for file_has "$T/$1" ready
}
# was_asked ADDRESS PATTERN: how often, by the name server's own log.
was_asked() { grep -c -- "$2" "$T/$1"; }

# client NAME [OPTION...]: a container with the machine's own programs (dig, python3 ...) and our tools.
client() {
	local name=$1
	shift
	hoy run -d --name "$name" -v "$TOOLS:/tools:ro" "$@" @host sleep 1000 >/dev/null || fail "run $name"
}
# ask NAME DIG-ARGUMENT...: dig in a client, its answer: status, then the records.
ask() {
	local name=$1
	shift
	run hoy exec "$name" dig +tries=1 +time=7 +nocookie "$@"
	out=$(sed -n 's/.*status: \([A-Z]*\),.*/\1/p; s/^;; flags:[^;]* tc .*/TC/p; s/^; EDE: /EDE /p' "$T/out" && awk '!/^;/ && NF { $2 = ""; $3 = ""; print $1, $4, $5 }' "$T/out")
}
# got STATUS [RECORD...]: what the last ask has said.
got() { [ "$out" = "$(printf '%s\n' "$@")" ] || fail "wanted $*, got $out: $(cat "$T/out")"; }

fakehost_tests() {
	if [ "${1:-}" = --on-fake-host ]; then
		(set_up_host && "$2")
		local rc=$?
		hoy rm -af -t 0 >/dev/null
		wait_for -t 20 no_process_left
		kill_servers
		exit $rc
	fi
	run_tests "$@"
}
# of_host NAME...: processes of hoy that live on this machine of ours: containers have other network namespaces, who serves them has not.
of_host() {
	local p mine
	mine=$(readlink /proc/self/ns/net)
	for p in /proc/[0-9]*; do
		case " $* " in *" $(cat "$p/comm" 2>/dev/null) "*) [ "$(readlink "$p/ns/net")" != "$mine" ] || printf '%s\n' "${p#/proc/}" ;; esac
	done
}
no_process_left() { [ -z "$(of_host hoy-network hoy-supervisor hoy-attach)" ]; }
