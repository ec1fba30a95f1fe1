# shellcheck shell=bash
# lib.bash - for the tests of tests/net: network processes counted from outside, containers that talk to each other.

# of_name NAME...: live processes of this test with these names.
of_name() {
	local p
	for p in $(our_pids); do
		case " $* " in *" $(cat "/proc/$p/comm" 2>/dev/null) "*) printf '%s\n' "$p" ;; esac
	done
}
network_pids() { of_name hoy-network; }
pool_pids() { of_name hoy-sockpool; }
nothing_runs() { [ -z "$(of_name hoy-network hoy-sockpool hoy-attach hoy-supervisor)" ]; }
no_network_runs() { [ -z "$(of_name hoy-network hoy-sockpool hoy-attach)" ]; }
networks_run() { [ "$(network_pids | wc -l)" = "$1" ] && [ "$(pool_pids | wc -l)" = "$1" ]; }

pid_of() { hoy inspect --format '{{.State.Pid}}' "$1"; }
ppid_of() { awk '{ sub(/^.*\) /, ""); print $2 }' "/proc/$1/stat"; }
supervisor_of() { ppid_of "$(pid_of "$1")"; }

# server_in NAME [OPTION...]: a container that answers "I am NAME" on port 80.
server_in() {
	local name=$1
	shift
	hoy run -d --name "$name" "$@" busybox sh -c "mkdir /w; echo I am $name >/w/index.html; exec httpd -f -p 80 -h /w" >/dev/null || fail "run $name"
}
# ip_in NAME [DEVICE]: the IPv4 address that the container itself sees.
ip_in() { hoy exec "$1" ip -4 -o addr show "${2:-eth0}" | awk '{ sub("/.*", "", $4); print $4 }'; }
# GET: a shell command for a container that asks the server at $1 (busybox's own wget crashes where it is linked statically with glibc).
GET='printf "GET / HTTP/1.0\r\n\r\n" | timeout 5 nc "$1" 80 | tail -1'
# fetch NAME ADDRESS: what the container NAME gets from there.
fetch() { hoy exec "$1" sh -c "$GET" sh "$2"; }
says() { [ "$(fetch "$1" "$2" 2>/dev/null)" = "$3" ]; }
# free_port: one of the host's that nobody has at the moment.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }
host_says() { [ "$(curl -s -m 5 "http://$1/")" = "$2" ]; }
