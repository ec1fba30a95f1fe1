#!/bin/bash
# Published ports as they are asked for and shown: ps, port, inspect, filters; and what is said of those that cannot be had.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

sleeper() { hoy run -d --name "$@" busybox sleep 1000 >/dev/null || fail "run $1"; }

test_shown_everywhere() { # short rows=user,root,one
	load busybox
	local p q
	p=$(free_port) q=$(free_port)
	sleeper a -p "$p:80" -p "127.0.0.1:$q:53/udp" --expose 7
	run hoy port a
	assert_out "53/udp -> 127.0.0.1:$q
80/tcp -> 0.0.0.0:$p"
	run hoy port a 80
	assert_out "0.0.0.0:$p"
	run hoy port a 53/udp
	assert_out "127.0.0.1:$q"
	run hoy port --all
	assert_has "$(hoy ps -q --filter name=a)	80/tcp -> 0.0.0.0:$p"
	run hoy ps --format '{{.Ports}}'
	assert_out "0.0.0.0:$p->80/tcp, 127.0.0.1:$q->53/udp, 7/tcp"
	run as_docker ps --format '{{.Ports}}'
	assert_has "0.0.0.0:$p->80/tcp, [::]:$p->80/tcp"
	run as_docker port a 80
	assert_out "0.0.0.0:$p
[::]:$p"
	run hoy inspect --format '{{json .NetworkSettings.Ports}}' a
	assert_out "{\"7/tcp\":null,\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$q\"}],\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"$p\"}]}"
	run hoy inspect --format '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}} {{.HostConfig.PublishAllPorts}}' a
	assert_out "$p false"
	run hoy inspect --format '{{json .Config.ExposedPorts}}' a
	assert_out '{"7/tcp":{},"53/udp":{},"80/tcp":{}}'
	run hoy ps -q --filter "publish=$p" --filter expose=80
	assert_ne '' "$out"
	run hoy ps -q --filter "publish=$p/udp"
	assert_out ''
	run hoy port a 81
	assert_err E-PORT-UNPUBLISHED 81/tcp
	run as_docker port a 81
	assert_rc 1
	hoy stop -t 0 a >/dev/null
	run hoy port a
	assert_ok
	assert_out ''
	run as_docker ps -a --format '{{.Ports}}'
	assert_out ''
}

test_random_ports() { # short
	load busybox cfg-ports
	sleeper a -p 80 -p 127.0.0.1::81-83 -p 53/udp
	run hoy port a
	assert_match '^53/udp -> 0\.0\.0\.0:[1-9][0-9]+
80/tcp -> 0\.0\.0\.0:[1-9][0-9]+
81/tcp -> 127\.0\.0\.1:[1-9][0-9]+
82/tcp -> 127\.0\.0\.1:[1-9][0-9]+
83/tcp -> 127\.0\.0\.1:[1-9][0-9]+$'
	run hoy inspect --format '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}' a
	assert_out "$(hoy port a 80 | cut -d: -f2)"
	run as_docker inspect --format '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}' a
	assert_out ''
	# -P: what the image and --expose name.
	hoy run -d --name b -P --expose 99 cfg-ports sleep 1000 >/dev/null || fail 'run -P'
	run hoy port b
	assert_match '^53/udp -> 0\.0\.0\.0:[1-9][0-9]+
80/tcp -> 0\.0\.0\.0:[1-9][0-9]+
99/tcp -> 0\.0\.0\.0:[1-9][0-9]+$'
	run hoy create --name c -P cfg-ports
	run hoy ps -a --filter name=c --format '{{.Ports}}' # nobody knows them yet
	assert_out '80/tcp, 53/udp'
}

test_they_lead_there() { # short rows=user,root,one
	need curl
	load busybox
	local p
	server_in a -p 80 -p '[::1]::80'
	for p in $(hoy port a 80); do
		wait_for host_says "$p" 'I am a'
	done
	p=$(hoy port a 80 | head -1 | cut -d: -f2)
	wait_for host_says "[::1]:$p" 'I am a' # one without an address is open on both families
	local n
	n=$(hoy inspect --format '{{.NetworkSettings.IPAddress}}' a)
	hoy restart -t 0 a >/dev/null || fail restart
	assert_eq "$n" "$(hoy inspect --format '{{.NetworkSettings.IPAddress}}' a)" 'address after a restart'
	p=$(hoy port a 80 | head -1 | cut -d: -f2)
	wait_for host_says "127.0.0.1:$p" 'I am a'
}

test_ranges() {
	need curl
	load busybox
	local p
	p=$(python3 -c 'import socket
for p in range(20000 + '$((RANDOM % 20000))', 60000):
    s = [socket.socket() for i in range(3)]
    try:
        for i in range(3): s[i].bind(("", p + i))
    except OSError: continue
    print(p); break')
	server_in a -p "$p-$((p + 2)):79-81"
	run hoy ps --format '{{.Ports}}'
	assert_out "0.0.0.0:$p-$((p + 2))->79-81/tcp"
	wait_for host_says "127.0.0.1:$((p + 1))" 'I am a'
	run hoy ps --filter "publish=$((p + 2))" -q
	assert_ne '' "$out"
}

test_what_cannot_be_had() { # short
	load busybox
	local p
	p=$(free_port)
	sleeper a -p "$p:80"
	run hoy run --rm -p "$p:80" busybox true
	assert_err E-PORT-TAKEN 'container a'
	run hoy run --rm -p "127.0.0.1:$p:80" busybox true
	assert_err E-PORT-TAKEN
	run hoy run --rm -p "192.0.2.77:$p:80" busybox true
	assert_err E-PORT-ADDRESS 192.0.2.77
	assert_eq 1 "$(ls_count "$(store)/containers")" 'containers that stayed'
	assert_eq '' "$(ls "$(store)/tmp")" 'unfinished work'
	hoy rm -f -t 0 a >/dev/null
	sleeper b -p "$p:80"
}

test_a_low_port() { # rows=user,one
	load busybox
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 90 ] || skip 'low ports are open to all here'
	run hoy run --rm -p 90:80 busybox true
	assert_err E-PORT-RIGHTS 'port 90/tcp'
	assert_err_has 'sysctl net.ipv4.ip_unprivileged_port_start=90'
}

# Addresses are leased with the container, and given back with it, however it goes.
test_addresses() { # short
	load busybox
	hoy network create web >/dev/null || fail 'network create'
	leases() { ls_count "$(store)/networks/$1/leases"; }
	hoy create --name a --network web busybox true >/dev/null || fail create
	assert_eq 2 "$(leases web)" 'leases: an address and a MAC'
	hoy rm a >/dev/null
	assert_eq 0 "$(leases web)" 'leases after rm'
	run hoy run --rm --network web busybox true
	assert_ok
	assert_eq 0 "$(leases web)" 'leases after --rm'
	run hoy run --network web --name b busybox /no/such/command
	assert_rc 127
	assert_eq 0 "$(leases web)" 'leases after a failed run'
	sleeper c --network web:ip=10.89.0.77,mac=0a:00:00:00:00:07,interface_name=lan0
	run hoy inspect --format '{{with .NetworkSettings.Networks.web}}{{.IPAddress}}/{{.IPPrefixLen}} {{.Gateway}} {{.MacAddress}} {{.IPAMConfig.IPv4Address}}{{end}}' c
	assert_out '10.89.0.77/24 10.89.0.1 0a:00:00:00:00:07 10.89.0.77'
	run hoy exec c sh -c 'cat /sys/class/net/lan0/address; ip -4 -o addr show lan0'
	assert_has 0a:00:00:00:00:07
	assert_has 'inet 10.89.0.77/24'
	run hoy run --rm --network web --ip 10.89.0.77 busybox true
	assert_err E-NETWORK-ADDRESS 'container c'
	run hoy run --rm --network web --ip 10.99.0.77 busybox true
	assert_err E-NETWORK-ADDRESS
	run hoy run --rm --network wep busybox true
	assert_err E-NETWORK-UNKNOWN 'did you mean web'
	run hoy ps --filter network=web --format '{{.Names}} {{.Networks}}'
	assert_out 'c web'
	run hoy ps -q --filter network=bridge
	assert_out ''
	hoy stop -t 0 c >/dev/null
	run hoy inspect --format '[{{.NetworkSettings.Networks.web.IPAddress}}]' c
	assert_out '[]'
}

test_several_networks() {
	load busybox
	hoy network create web >/dev/null && hoy network create back >/dev/null || fail 'network create'
	sleeper a --network web:alias=one --network back:alias=two
	run hoy exec a sh -c 'ls /sys/class/net; ip -4 route show default'
	assert_has eth0
	assert_has eth1
	assert_has 'dev eth0'
	run hoy ps --format '{{.Networks}}'
	assert_out web,back
	run hoy inspect --format '{{.NetworkSettings.Networks.back.Aliases}}' a
	assert_has two
	run as_docker inspect --format '{{.HostConfig.NetworkMode}} {{.NetworkSettings.Networks.web.DNSNames}}' a
	assert_match '^web \[a one [0-9a-f]{12}\]$'
	sleeper b --network web --network name=back,gw-priority=5
	run hoy exec b ip -4 route show default
	assert_has 'via 10.89.1.1 dev eth0'
}

# Other containers find it by its new name at once, and after the network process was made again.
test_rename() { # short
	load busybox
	hoy network create web >/dev/null || fail 'network create'
	server_in a --network web
	sleeper b --network web
	wait_for says b a 'I am a'
	run hoy rename a c
	assert_ok
	assert_quiet
	says b c 'I am a' || fail 'the new name is not known'
	run fetch b a
	assert_ne 'I am a' "$out"
	# shellcheck disable=SC2046  # pids
	kill -KILL $(network_pids)
	wait_for says b c 'I am a'
	run fetch b a
	assert_ne 'I am a' "$out"
}

test_link() {
	load busybox
	server_in db
	run hoy run --rm --link db:store busybox sh -c "$GET" sh store
	assert_out 'I am db'
	run hoy create --link db:store busybox true
	run hoy inspect --format '{{.HostConfig.Links}}' "$out"
	assert_out '[db:store]'
	hoy network create web >/dev/null || fail 'network create'
	run hoy run --rm --link db --network web busybox true
	assert_err E-USAGE 'in no network together'
}

run_tests "$@"
