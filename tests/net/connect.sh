#!/bin/bash
# Containers come into networks and leave them while they run, before and after; who is in a network is in its way.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

networks_of() { hoy ps -a --filter "name=^$1\$" --format '{{.Networks}}'; }
devices() { hoy exec "$1" ls /sys/class/net | sort | tr '\n' ' '; }
leases() { find "$(store)/networks/$1/leases" -type l | wc -l; }
address() { hoy inspect -f "{{(index .NetworkSettings.Networks \"$2\").IPAddress}}" "$1"; }

test_running() { # short rows=user,root,one
	load busybox
	hoy network create front >/dev/null
	hoy network create back >/dev/null
	server_in db --network back
	hoy run -d --name web --network front busybox sleep 1000 >/dev/null || fail run
	says web "$(address db back)" 'I am db' && fail 'reached through a network that it is not in'
	run hoy network connect back web
	assert_ok
	assert_out ''
	assert_eq 'eth0 eth1 lo ' "$(devices web)"
	assert_eq 'back,front' "$(networks_of web | tr , '\n' | sort | paste -sd,)"
	wait_for -t 10 says web db 'I am db'
	run hoy network connect back web
	assert_err E-NETWORK-CONNECTED
	run hoy network disconnect back web
	assert_ok
	assert_eq 'eth0 lo ' "$(devices web)"
	assert_eq front "$(networks_of web)"
	assert_eq 2 "$(leases back)" 'address and MAC of db'
	says web "$(address db front)" 'I am db' && fail 'still reached'
	run hoy network disconnect back web
	assert_err E-NETWORK-NOT-CONNECTED front
}

test_the_first_goes() {
	load busybox
	hoy network create front >/dev/null
	hoy network create back >/dev/null
	hoy run -d --name web --network front --network back busybox sleep 1000 >/dev/null || fail run
	run hoy exec web ip route show default
	assert_has 'dev eth0'
	hoy network disconnect front web || fail disconnect
	run hoy exec web ip route show default
	assert_has 'dev eth1'
	hoy network disconnect back web || fail disconnect
	assert_eq 'lo ' "$(devices web)"
	run hoy exec web ip route
	assert_out ''
	hoy network connect --gw-priority 1 back web || fail connect
	hoy network connect --gw-priority 1 front web || fail connect
	run hoy exec web ip route show default
	assert_eq 1 "$(printf '%s\n' "$out" | grep -c default)" 'default routes'
	assert_has "via $(hoy network inspect -f '{{(index .Subnets 0).Gateway}}' front)"
}

test_stopped() { # peer_ok rows=user,root,one
	load busybox
	hoy network create --subnet 10.231.9.0/24 back >/dev/null
	hoy create --name web --network bridge busybox sleep 1000 >/dev/null || fail create
	run hoy network connect --ip 10.231.9.77 --alias w back web
	assert_ok
	hoy start web >/dev/null || fail start
	run hoy exec web ip -4 -o addr
	assert_has 10.231.9.77/24
	hoy stop -t 0 web >/dev/null
	run hoy network disconnect back web
	assert_ok
	hoy start web >/dev/null || fail start
	run hoy exec web ip -4 -o addr
	assert_lacks 10.231.9
	hoy rm -f -t 0 web >/dev/null
}

test_fixed_addresses() {
	local o
	load busybox
	hoy network create --ipv6 --subnet 10.231.8.0/24 --subnet fd88::/64 net >/dev/null
	hoy run -d --name one --network net busybox sleep 1000 >/dev/null || fail run
	hoy run -d --name two --network bridge busybox sleep 1000 >/dev/null || fail run
	for o in "--ip $(address one net)" '--ip 10.231.8.1' '--ip 10.231.8.255' '--ip 10.231.9.1' '--ip6 fd88::1' '--ip6 fd89::7' \
		'--mac-address 0a:58:0a:e7:08:01'; do
		# shellcheck disable=SC2086
		run hoy network connect $o net two
		assert_err E-NETWORK-ADDRESS
		case $err in *'choose another one'*) ;; *) fail "the hint: $(last)" ;; esac
	done
	assert_err_has 'gateway'
	run hoy network connect --ip "$(address one net)" net two
	assert_err_has 'taken by container one'
	for o in '--ip x' '--ip6 10.231.8.9' '--mac-address 1' '--alias -x'; do
		# shellcheck disable=SC2086
		run hoy network connect $o net two
		assert_err E-USAGE
	done
	for o in '--driver-opt a=b' '--link-local-ip 169.254.7.7'; do
		# shellcheck disable=SC2086
		run hoy network connect $o net two
		assert_err E-NETWORK-OPTION
	done
	assert_eq 3 "$(leases net)" 'nothing of what was refused is kept'
	run hoy network connect --ip 10.231.8.9 --ip6 fd88::9 --mac-address 02:00:00:00:00:09 net two
	assert_ok
	run hoy exec two ip addr
	assert_has 10.231.8.9/24
	assert_has fd88::9/64
	assert_has 02:00:00:00:00:09
}

test_links_and_aliases() {
	load busybox
	hoy network create net >/dev/null
	server_in pg --network net
	hoy run -d --name web --network bridge busybox sleep 1000 >/dev/null || fail run
	run hoy network connect --link nosuch:db net web
	assert_err E-CONTAINER-UNKNOWN
	run hoy network connect --alias www --link pg:db net web
	assert_ok
	wait_for -t 10 says web db 'I am pg'
	run hoy exec pg nslookup www
	assert_has "$(address web net)"
	hoy restart -t 0 pg >/dev/null || fail restart
	wait_for -t 10 says web db 'I am pg'
}

# What the supervisor cannot do leaves nothing behind: the container goes on, and starts again.
test_connect_fails() { # rows=user,one
	load busybox
	hoy network create --subnet 192.168.77.0/24 --interface-name nosuch0 mv >/dev/null || fail create
	sed -i 's/"Driver":"bridge"/"Driver":"macvlan"/' "$(store)/networks/mv/config.json" # as root made it
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	run hoy network connect mv a
	assert_rc 125
	assert_err_has E-NETWORK-PARENT
	assert_eq bridge "$(networks_of a)"
	assert_eq 0 "$(leases mv)"
	run hoy restart -t 0 a
	assert_ok
	assert_eq 'eth0 lo ' "$(devices a)"
}

test_modes_refused() {
	load busybox
	hoy network create net >/dev/null
	hoy create --name n --network none busybox true >/dev/null
	hoy create --name h --network host busybox true >/dev/null
	run hoy network connect net n
	assert_err E-NETWORK-MODE 'network none'
	run hoy network connect net h
	assert_err E-NETWORK-MODE
	hoy create --name zb --network bridge busybox true >/dev/null
	run hoy network connect host zb
	assert_err E-NETWORK-BUILTIN
	run hoy network connect none zb
	assert_err E-NETWORK-BUILTIN
	run hoy network connect nosuch zb
	assert_err E-NETWORK-UNKNOWN
	run hoy network connect net nosuch
	assert_err E-CONTAINER-UNKNOWN
	run hoy network connect zb net
	assert_err E-NETWORK-UNKNOWN 'the network comes first: hoy network connect net zb'
	run hoy network disconnect zb net
	assert_err '' 'the network comes first'
	run hoy network disconnect nosuch zb
	assert_err E-NETWORK-UNKNOWN
	run hoy network disconnect -f net zb
	assert_ok
	run hoy network disconnect -f net nosuch
	assert_ok
}

test_in_use() { # peer_ok
	load busybox
	hoy network create net >/dev/null
	hoy create --name a --network net busybox true >/dev/null || fail create
	hoy run -d --name b --network net busybox sleep 1000 >/dev/null || fail run
	run hoy network rm net
	assert_rc 2
	is_peer || assert_err_has 'containers a, b'
	run hoy network prune -f
	assert_out ''
	hoy network exists net || fail 'pruned while in use'
	run hoy network ls --filter dangling=true --format '{{.Name}}'
	assert_out ''
	hoy rm -f -t 0 a b >/dev/null
	run hoy network rm net
	assert_ok
}

test_rm_force() {
	load busybox
	hoy network create net >/dev/null
	hoy create --name a --network net busybox true >/dev/null || fail create
	hoy run -d --name b --network net --network bridge busybox sleep 1000 >/dev/null || fail run
	run as_docker network rm -f net
	assert_rc 1
	run hoy network rm -f -t 0 net
	assert_ok
	assert_out net
	assert_eq '' "$(hoy ps -aq)" containers
	[ ! -e "$(store)/networks/net" ] || fail 'it is there'
}

test_inspect_containers() {
	need jq
	local id
	load busybox
	hoy network create --subnet 10.231.7.0/24 net >/dev/null
	id=$(hoy run -d --name a --ip 10.231.7.8 --network net busybox sleep 1000) || fail run
	hoy create --name b --network net busybox true >/dev/null
	run jq -c --arg id "$id" '.[0].containers | [length, .[$id]]' <(hoy network inspect net)
	assert_out '[1,{"name":"a","interfaces":{"eth0":{"subnets":[{"ipnet":"10.231.7.8/24","gateway":"10.231.7.1"}],"mac_address":"0a:58:0a:e7:07:08"}}}]'
	run jq -c --arg id "$id" '.[0].Containers[$id] | del(.EndpointID)' <(as_docker network inspect net)
	assert_out '{"Name":"a","MacAddress":"0a:58:0a:e7:07:08","IPv4Address":"10.231.7.8/24","IPv6Address":""}'
	run hoy network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' net
	assert_out 'a 10.231.7.8/24'
	assert_eq "$(jq -r --arg id "$id" '.[0].Containers[$id].EndpointID' <(as_docker network inspect net))" \
		"$(hoy inspect -f '{{.NetworkSettings.Networks.net.EndpointID}}' a)" 'the endpoint of network inspect and inspect'
}

# A container keeps its address through restarts, and another gets it once it is gone.
test_leases() {
	local ip
	load busybox
	hoy network create --subnet 10.231.6.0/30 tiny >/dev/null || fail create
	hoy run -d --name a --network tiny busybox sleep 1000 >/dev/null || fail run
	ip=$(address a tiny)
	hoy restart -t 0 a >/dev/null
	assert_eq "$ip" "$(address a tiny)"
	run hoy create --name b --network tiny busybox true
	assert_err E-NETWORK-ADDRESS full
	run hoy run --rm --network tiny busybox true
	assert_err E-NETWORK-ADDRESS full
	[ -z "$(hoy ps -aq --filter name=^b)" ] || fail 'b is there'
	hoy rm -f -t 0 a >/dev/null
	assert_eq 0 "$(leases tiny)"
	run hoy run --rm --network tiny busybox ip -4 -o addr show eth0
	assert_has "$ip/30"
	assert_eq 0 "$(leases tiny)" 'after --rm'
}

# What was killed gives its address back to who comes next.
test_killed() { # rows=user,root,one
	local sup
	load busybox
	hoy network create --subnet 10.231.6.0/30 tiny >/dev/null || fail create
	hoy run -d --rm --name a --network tiny busybox sleep 1000 >/dev/null || fail run
	sup=$(supervisor_of a)
	kill -9 "$sup"
	wait_for test ! -e "/proc/$sup"
	run hoy run --rm --network tiny busybox ip -4 -o addr show eth0
	assert_ok
	assert_has 'inet 10.231.6.2/30'
	wait_for -t 10 no_network_runs
}

# Thirty that start at once have thirty addresses, and one network was made.
test_at_once() {
	local i
	load busybox
	for i in {1..30}; do hoy create --name c$i --network bridge busybox true >/dev/null & done
	wait
	assert_eq 30 "$(hoy ps -aq | wc -l)" containers
	assert_eq 30 "$(cat "$(store)"/containers/*/networks.json | grep -o '"IP4":"[^"]*"' | sort -u | wc -l)" addresses
	assert_eq 30 "$(cat "$(store)"/containers/*/networks.json | grep -o '"MAC":"[^"]*"' | sort -u | wc -l)" MACs
	assert_eq 90 "$(leases bridge)"
	hoy network create net >/dev/null
	for i in {1..30}; do hoy network connect net c$i & done
	wait
	assert_eq 60 "$(leases net)"
	for i in {1..30}; do hoy network disconnect net c$i & done
	wait
	assert_eq 0 "$(leases net)"
	hoy rm -a >/dev/null
	assert_eq 0 "$(leases bridge)"
}

# Connecting one container to many networks at once loses none.
test_one_to_many() {
	local i
	load busybox
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	for i in {1..6}; do hoy network create n$i >/dev/null || fail create; done
	for i in {1..6}; do hoy network connect n$i a & done
	wait
	assert_eq 'eth0 eth1 eth2 eth3 eth4 eth5 eth6 lo ' "$(devices a)"
	for i in {1..6}; do hoy network disconnect n$i a & done
	wait
	assert_eq 'eth0 lo ' "$(devices a)"
}

test_reload() {
	load busybox
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	hoy create --name b --network bridge busybox true >/dev/null
	run hoy network reload a
	assert_ok
	assert_out "$(hoy inspect -f '{{.Id}}' a)"
	run hoy network reload -a
	assert_ok
	run hoy network reload b
	assert_err E-CONTAINER-NOT-RUNNING
	run hoy network reload
	assert_err E-USAGE
}

# A network of the same name that is made later is another one.
test_made_anew() {
	load busybox
	hoy network create net >/dev/null
	hoy create --name a --network net busybox sleep 1000 >/dev/null || fail create
	rm -r "$(store)/networks/net" # as no command would
	run hoy start a
	assert_rc 125
	hoy network create net >/dev/null
	run hoy start a
	assert_rc 125
	assert_err_has 'another network'
	run hoy network disconnect net a
	assert_ok
	run hoy network connect net a
	assert_ok
	run hoy start a
	assert_ok
}

# Addresses of containers whose maker was killed do not stay: not even those that no search comes by.
test_addresses_of_the_dead_go_away() {
	load busybox
	hoy network create left >/dev/null || fail network
	hoy create --name alive --network left busybox true >/dev/null || fail create
	local dir id
	dir=$(store)/networks/left/leases
	id=$(printf '%064d' 7)
	ln -s "$id" "$dir/10.89.0.200" && ln -s "$id" "$dir/0e:58:01:02:03:04"
	run hoy run --rm --network left busybox true
	assert_ok
	assert_eq "$(hoy inspect --format '{{.Id}}' alive)" "$(find "$dir" -type l -printf '%l\n' | sort -u)" 'who has addresses'
}

run_tests "$@"
