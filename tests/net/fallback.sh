#!/bin/bash
# What stands in for the default network where the kernel cannot make networks, and --network pasta and slirp4netns, which are the same programs.
# nonet makes the kernel look as if it lacked TUN devices, or nftables.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

# without tun|nft ARGUMENT...: hoy on such a kernel, with the PATH in SOME if that is set.
SOME=
without() {
	local what=$1
	shift
	run env "PATH=${SOME:-$PATH}" "$T_TOOLS/nonet" "$what" $HOY "$@"
}
# pids_of pasta|slirp4netns: pasta executes itself again by other names.
pids_of() { of_name "$1" "$1.avx2" passt.avx2; }
runs_a() { pids_of "$1" | grep -q .; }

# only_in_path PROGRAM...: a PATH with these and nothing else.
only_in_path() {
	local p
	rm -rf "$HOME/some" && mkdir "$HOME/some"
	for p; do ln -s "$(command -v "$p")" "$HOME/some/$p"; done
	printf '%s\n' "$HOME/some"
}

test_without_nftables() { # short
	need pasta
	load busybox
	without nft run --rm busybox ls /sys/class/net
	assert_ok
	assert_lacks tap
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)" 'devices'
	assert_err_has 'networks need what is not there: nftables'
	assert_err_has 'pasta makes it'
	assert_err_has 'modprobe -a nf_tables'
	assert_eq 1 "$(printf '%s\n' "$err" | grep -c 'hoy: note')" 'notes'
	# Once a boot, and not tried again.
	without nft run --rm busybox ls /sys/class/net
	assert_ok
	assert_quiet
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)" 'devices of the second'
	[ -f "$(store)/networks/.instead" ] || fail 'nothing is remembered'
	wait_for nothing_runs
	! runs_a pasta || fail 'pasta outlives its container'
	# A record of another boot is not believed.
	sed -i 's/"Boot":"[^"]*"/"Boot":"00000000-0000-0000-0000-000000000000"/' "$(store)/networks/.instead"
	without nft run --rm busybox true
	assert_err_has 'pasta makes it'
}

test_with_slirp4netns_only() {
	need slirp4netns
	load busybox
	SOME=$(only_in_path slirp4netns)
	without nft run --rm busybox ls /sys/class/net
	assert_ok
	assert_err_has 'slirp4netns makes it'
	assert_has tap0
}

test_with_neither() { # rows=user,root,one
	load busybox
	SOME=$(only_in_path true)
	without nft run --rm busybox ls /sys/class/net
	assert_ok
	assert_out lo
	assert_err_has 'the container has no network'
	assert_err_has 'neither pasta (package passt) nor slirp4netns is installed'
	SOME=
	without nft run --rm busybox ls /sys/class/net # remembered, although pasta is there again
	assert_out lo
	assert_quiet
	without nft run --rm -p 8080:80 busybox true
	assert_ok
	assert_err_has 'its ports are not published'
}

test_without_tun() { # short rows=user,root,one
	load busybox
	without tun run --rm busybox ls /sys/class/net
	assert_ok
	assert_out lo
	assert_err_has 'TUN devices'
	assert_err_has 'pasta and slirp4netns need them too'
	without tun run -d --name a busybox sleep 1000
	assert_ok
	assert_eq '' "$(hoy ps --format '{{.Ports}}')"
	run hoy exec a ls /sys/class/net
	assert_out lo
}

test_info_shows_it() { # short
	load busybox
	without tun info --format '{{.Host.Network.Available}} [{{.Host.Network.Instead}}]'
	assert_out 'false []'
	without tun run --rm busybox true
	without tun info --format '{{.Host.Network.Available}} [{{.Host.Network.Instead}}] {{.Host.NetworkBackend}} {{.Host.Network.Error}}'
	assert_out 'false [none] none networks need what is not there: TUN devices'
	without tun info
	assert_has 'Host Network: no: networks need what is not there: TUN devices (E-NET-KERNEL)'
	assert_has 'Until the next boot: containers have no network'
	# What is there again is used again.
	wait_for no_network_runs
	run hoy info --format '{{.Host.Network.Available}} [{{.Host.Network.Instead}}] {{.Host.NetworkBackend}}'
	assert_out 'true [] hoy'
	run hoy run --rm busybox ls /sys/class/net
	assert_has eth0
	assert_quiet
}

# Networks of users have no stand-in, and what is wrong is said where nothing else is.
test_other_networks_are_refused() {
	load busybox
	hoy network create web >/dev/null || fail 'network create'
	without nft run --rm --network web busybox true
	assert_err E-NET-KERNEL nftables
	without nft run --rm --network none busybox ls /sys/class/net
	assert_out lo
	assert_quiet
	wait_for no_network_runs
	run hoy run --rm --network web busybox ls /sys/class/net
	assert_has eth0
}

test_pasta() { # short rows=user,root,one
	need pasta curl
	load busybox
	local port
	port=$(free_port)
	server_in a --network pasta -p "$port:80" -p "127.0.0.1::81"
	wait_for host_says "127.0.0.1:$port" 'I am a'
	run hoy port a
	assert_has "80/tcp -> 0.0.0.0:$port"
	assert_match '81/tcp -> 127.0.0.1:[1-9][0-9]+'
	runs_a pasta || fail 'there is no pasta'
	run hoy inspect --format '{{.HostConfig.NetworkMode}}' a
	assert_out pasta
	run hoy rm -f -t 0 a
	assert_ok
	! runs_a pasta || fail 'pasta outlives its container'
	run hoy run --rm --network pasta:--ns-ifname,wan0,--mtu,1400 busybox cat /sys/class/net/wan0/operstate
	assert_ok
	run hoy run --rm --network pasta:--no-such-flag busybox true
	assert_err E-USERNET no-such-flag
}

test_slirp4netns() { # short rows=user,root,one
	need slirp4netns curl
	load busybox
	local port
	port=$(free_port)
	server_in a --network slirp4netns:mtu=1400,cidr=10.44.0.0/24,port_handler=slirp4netns -p "127.0.0.1:$port:80"
	wait_for host_says "127.0.0.1:$port" 'I am a'
	run hoy exec a sh -c 'cat /sys/class/net/tap0/mtu; ip -4 -o addr show tap0'
	assert_has 1400
	assert_has 10.44.0.
	run hoy run --rm --network slirp4netns -p "127.0.0.1:$port:80" busybox true
	assert_err E-PORT-TAKEN
	run hoy run --rm --network slirp4netns -p "[::1]:$port:80" busybox true
	assert_err E-USERNET IPv6
	run hoy rm -f -t 0 a
	assert_ok
	! runs_a slirp4netns || fail 'slirp4netns outlives its container'
}

# Neither outlives a supervisor that was killed, and the container's log tells nothing of it.
test_they_end_with_the_supervisor() {
	need pasta slirp4netns
	load busybox
	local p
	for p in pasta slirp4netns; do
		hoy run -d --name "$p" --network "$p" busybox sleep 1000 >/dev/null || fail "run $p"
		kill -KILL "$(supervisor_of "$p")"
		# shellcheck disable=SC2317  # called by wait_for
		ended() { ! runs_a "$p"; }
		wait_for ended
	done
	run hoy rm -f -t 0 pasta slirp4netns
	assert_ok
}

test_its_death_is_told() {
	need pasta
	load busybox
	$HOY run --rm --network pasta --name a busybox sleep 4 >"$T/out" 2>"$T/err" &
	wait_for hoy exec a true
	local p
	p=$(pgrep -P "$(supervisor_of a)" 'pas(ta|st)') || fail 'there is no pasta'
	kill -KILL "$p"
	wait $!
	err=$(cat "$T/err")
	assert_err_has 'pasta, which is the container'
}

test_missing_programs() {
	load busybox
	local p
	for p in pasta slirp4netns; do
		run env "PATH=$(only_in_path newuidmap newgidmap)" $HOY run --rm --network $p busybox true
		assert_err E-USERNET "$p is not installed"
		assert_err_has 'apt install'
	done
}

run_tests "$@"
