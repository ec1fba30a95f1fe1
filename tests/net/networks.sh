#!/bin/bash
# Networks as records: create, ls, inspect, rm, prune, update, and who is in them. What packets do is told elsewhere.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

names() { hoy network ls --format '{{.Name}}' "$@" | tr '\n' ' '; }
show() { hoy network inspect -f "$2" "$1" || fail "network inspect -f $2 $1"; }
# as_now: not the podman of 2022.
as_now() { ! is_peer || hoy network create --help 2>/dev/null | grep -q -- --ignore; }
subnet() { show "$1" '{{(index .Subnets 0).Subnet}}'; }

# The network that is always there is one of the peer's, too, by another name.
test_create_and_remove() { # peer_ok short rows=user,root,one
	run hoy network create web
	assert_ok
	assert_out web
	run hoy network create --label team=blue --label empty back
	assert_out back
	assert_eq bridge "$(show web '{{.Driver}}')"
	assert_eq 'true false false' "$(show web '{{.DNSEnabled}} {{.IPv6Enabled}} {{.Internal}}')"
	assert_eq 'blue' "$(show back '{{index .Labels "team"}}')"
	[[ $(subnet web) =~ ^10\.[0-9]+\.[0-9]+\.0/24$ ]] || fail "subnet $(subnet web)"
	assert_eq "$(subnet web | sed 's|0/24|1|')" "$(show web '{{(index .Subnets 0).Gateway}}')"
	[ "$(subnet web)" != "$(subnet back)" ] || fail 'two networks of one subnet'
	run hoy network create web
	assert_err E-NETWORK-EXISTS
	if as_now; then
		run hoy network create --ignore web
		assert_ok
		assert_out web
	fi
	run hoy network exists web
	assert_ok
	run hoy network rm web back
	assert_ok
	assert_out $'web\nback'
	run hoy network exists web
	assert_rc 1
	run hoy network rm web
	assert_rc 1
	run hoy network rm -f web
	assert_ok
	run hoy network inspect web
	assert_rc 125
	assert_out '[]'
}

test_names() { # peer_ok
	local n
	for n in host none bridge $(as_now && echo default) a/b '' -x .x "$(printf 'x%.0s' {1..300})"; do
		run hoy network create -- "$n"
		[ "$rc" = 125 ] || [ -z "$n" ] || fail "made: $(last)"
	done
	run hoy network create
	assert_ok
	hoy network exists "$out" || fail "no network $out"
	is_peer && return
	assert_out hoy1
	assert_eq hoy2 "$(hoy network create)"
	hoy network rm hoy1 >/dev/null
	assert_eq hoy1 "$(hoy network create)"
	run hoy network create ''
	assert_err E-NAME
	for n in private pasta slirp4netns container ns host; do
		run hoy network create $n
		assert_err E-NETWORK-EXISTS
	done
	for n in bridge default podman; do
		run hoy network create $n
		assert_err E-NETWORK-EXISTS
		run hoy network create --ignore $n
		assert_ok
	done
	run hoy network inspect web
	assert_err_has E-NETWORK-UNKNOWN
	hoy network create front >/dev/null
	run hoy network inspect frnt
	assert_err_has 'did you mean front?'
}

# By id, and the beginning of one.
test_ids() { # peer_ok
	local id
	hoy network create one >/dev/null
	id=$(show one '{{.ID}}')
	[ ${#id} = 64 ] || fail "id $id"
	assert_eq one "$(show "$id" '{{.Name}}')"
	assert_eq one "$(show "${id:0:12}" '{{.Name}}')"
	run hoy network rm "${id:0:12}"
	assert_ok
	run hoy network exists one
	assert_rc 1
	is_peer && return
	mkdir -p "$(store)/networks/x1/leases" "$(store)/networks/x2/leases"
	for n in 1 2; do
		printf '{"Version":1,"Name":"x%s","Id":"aaaa%060d","Driver":"bridge"}' $n $n >"$(store)/networks/x$n/config.json"
	done
	run hoy network inspect aaaa
	assert_err_has E-NETWORK-AMBIGUOUS
	assert_eq x2 "$(show "aaaa$(printf %060d 2)" '{{.Name}}')"
}

test_subnets() { # peer_ok
	hoy network create --subnet 10.231.0.7/24 --gateway 10.231.0.9 --ip-range 10.231.0.128/25 a >/dev/null || fail create
	assert_eq '10.231.0.0/24 10.231.0.9 10.231.0.129 10.231.0.255' \
		"$(show a '{{range .Subnets}}{{.Subnet}} {{.Gateway}} {{.LeaseRange.StartIP}} {{.LeaseRange.EndIP}}{{end}}')"
	if as_now; then
		hoy network create --subnet 10.231.1.0/24 --ip-range 10.231.1.10-10.231.1.20 b >/dev/null || fail range
		assert_eq '10.231.1.1 10.231.1.10 10.231.1.20' \
			"$(show b '{{range .Subnets}}{{.Gateway}} {{.LeaseRange.StartIP}} {{.LeaseRange.EndIP}}{{end}}')"
	fi
	hoy network create --ipv6 c >/dev/null || fail ipv6
	[[ $(show c '{{range .Subnets}}{{.Subnet}} {{end}}{{.IPv6Enabled}}') =~ ^10\.[0-9.]+/24\ fd[0-9a-f:]+/64\ true$ ]] || fail "subnets: $(show c '{{.Subnets}}')"
	hoy network create --subnet fd77:1::/64 d >/dev/null || fail 'ipv6 alone'
	assert_eq 'fd77:1::/64 true' "$(show d '{{range .Subnets}}{{.Subnet}} {{end}}{{.IPv6Enabled}}')"
	for o in '--subnet 10.231.0.0/25' '--subnet 10.231.0.0/16' '--subnet fd77:1::/80' '--gateway 10.232.0.1' '--ip-range 10.232.0.0/25' \
		'--subnet 10.232.0.0/24 --gateway 10.233.0.1' '--subnet 10.232.0.0/24 --ip-range 10.233.0.0/25' '--subnet x' '--subnet 10.0.0.0/33' \
		'--subnet 10.232.0.1' '--subnet 10.232.0.0/24 --ip-range 10.232.0.20-10.232.0.10'; do
		# shellcheck disable=SC2086
		run hoy network create $o x
		assert_rc 125
		[ -n "$err" ] || fail "silent: $o"
		run hoy network exists x
		assert_rc 1
	done
	is_peer && return
	run hoy network create --subnet 10.231.0.0/25 x
	assert_err E-NETWORK-SUBNET 'of the network a'
	for o in '--subnet 10.1.0.0/31' '--subnet 127.0.0.0/8' '--subnet 169.254.0.0/16' '--subnet 224.0.0.0/8' '--subnet 0.0.0.0/0' '--subnet fe80::/64' \
		'--subnet 10.232.0.0/24 --subnet 10.233.0.0/24' '--subnet 10.232.0.0/24 --gateway 10.232.0.0' '--subnet 10.232.0.0/24 --gateway 10.232.0.255' \
		'--aux-address a=10.232.0.1' '--ipv4=false' '--ipv4=false --ipv6 --subnet 10.232.0.0/24' '--subnet 10.232.0.0/24 --aux-address 10.232.0.4' \
		'--subnet 10.232.0.0/24 --route 10.1.0.0/16' '--subnet 10.232.0.0/24 --route 10.1.0.0/16,10.233.0.1' \
		'--subnet 10.232.0.0/24 --route 10.1.0.0/16,10.232.0.4,-1' '--dns x' '--dns 9.9.9.9 --disable-dns'; do
		# shellcheck disable=SC2086
		run hoy network create $o x
		assert_rc 125
		case $err in *E-USAGE* | *E-NETWORK-SUBNET*) ;; *) fail "$o: $(last)" ;; esac
		case $err in *'  hint: '*) ;; *) fail "$o: no hint: $(last)" ;; esac
	done
	hoy network create --ipv4=false --ipv6 six >/dev/null || fail 'ipv6 only'
	assert_eq 1 "$(show six '{{len .Subnets}}')"
}

# Nothing that the host has addresses in or routes to.
test_not_the_hosts() { # rows=user,one
	need ip unshare
	# shellcheck disable=SC2016,SC2317
	in_netns() { unshare -rn -- bash -c 'ip link set lo up; ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up
		ip addr add 10.89.0.5/23 dev d0; ip route add 10.88.7.0/24 dev d0; ip route add 10.89.2.0/24 dev d0 table 77; '"$1" sh "$HOY" "$(store)"; }
	unshare -rn true 2>/dev/null || skip 'needs user namespaces'
	hoy network ls >/dev/null # makes the store
	# shellcheck disable=SC2016
	run in_netns 'export HOY_ROOT=$2; $1 network create a; $1 network create --subnet 10.88.0.0/16 b; $1 network inspect a bridge -f "{{(index .Subnets 0).Subnet}}"'
	assert_err_has 'the subnet 10.88.0.0/16 overlaps 10.88.7.0/24 of the host'
	assert_match '^a'$'\n''10\.89\.3\.0/24'$'\n''10\.128\.0\.0/16$'
}

test_options() {
	local row beside
	hoy network create --opt mtu=1400 --opt isolate=true -o com.docker.network.bridge.name=mybr --internal --disable-dns a >/dev/null || fail create
	assert_eq '1400 mybr true false' "$(show a '{{index .Options "mtu"}} {{.NetworkInterface}} {{.Internal}} {{.DNSEnabled}}')"
	hoy network create --interface-name br7 --attachable --scope local --ipam-driver host-local b >/dev/null || fail create
	assert_eq br7 "$(show b '{{.NetworkInterface}}')"
	hoy network create -o com.docker.network.enable_ipv6=true c >/dev/null || fail create
	assert_eq true "$(show c '{{.IPv6Enabled}}')"
	hoy network create --subnet 10.231.0.0/24 --dns 9.9.9.9,1.1.1.1 --dns 9.9.9.9 --route 10.9.0.0/16,10.231.0.7,5 --route 10.8.0.1/16,10.231.0.7 d >/dev/null || fail create
	assert_eq '[9.9.9.9 1.1.1.1]' "$(show d '{{.NetworkDNSServers}}')"
	assert_eq '10.9.0.0/16 10.231.0.7 10.8.0.0/16 10.231.0.7 ' "$(show d '{{range .Routes}}{{.Destination}} {{.Gateway}} {{end}}')"
	beside=('-d macvlan -o parent=eth0|--subnet' '-d ipvlan -o mode=bridge --subnet 10.2.0.0/24|l3s' '-d macvlan -o mode=l2 --subnet 10.2.0.0/24|passthru')
	[ "$T_ROW" = root ] || beside=() # others cannot have them at all: parent.sh
	for row in '-d overlay|one machine' '-d host|hoy run --network host' '-d null|none' '-d bridg|the drivers are' '-o foo=1|no such option' '-o isolat=true|mean isolate' \
		'-o mtu=1|68' '-o mtu=x|68' '-o mtu=70000|65520' '-o vlan=5|tagged' '-o mode=unmanaged|root' '-o metric=5|first network' \
		'-o com.docker.network.bridge.enable_icc=maybe|true and false' '-o com.docker.network.bridge.enable_ip_masquerade=false|own address' \
		'-o com.docker.network.bridge.host_binding_ipv4=127.0.0.1|127.0.0.1:8080:80' '-o parent=eth0|another driver' '-o isolate=x|true, false and strict' \
		'--ingress|swarm' '--config-only|swarm' '--config-from a|swarm' '--scope swarm|swarm' '--ipam-driver dhcp|DHCP' '--ipam-driver x|host-local' \
		'--ipam-driver none|nowhere' '--ipam-opt a=b|options' '--ipv6 -o mtu=1000|1280' \
		"${beside[@]}"; do
		# shellcheck disable=SC2086
		run hoy network create ${row%%|*} x
		assert_err '' "${row#*|}"
		case $err in *E-NETWORK-OPTION* | *E-NETWORK-SUBNET*) ;; *) fail "id: $(last)" ;; esac
	done
	for row in '--interface-name sixteen-letters-' '--interface-name a/b' '-o com.docker.network.bridge.name=lo' '--interface-name a -o com.docker.network.bridge.name=b'; do
		# shellcheck disable=SC2086
		run hoy network create $row x
		assert_err E-USAGE
	done
	run hoy network ls -q
	assert_out $'a\nb\nbridge\nc\nd'
}

test_list() { # peer_ok
	local all
	for n in d c a; do hoy network create --label n=$n --label common $n >/dev/null || fail create; done
	all=$(names)
	case $all in 'a bridge c d ' | 'podman a c d ' | 'a c d podman ') ;; *) fail "all: $all" ;; esac
	assert_eq 'a ' "$(names --filter name=^a)"
	assert_eq 'a d ' "$(names --filter name=^a --filter name=^d)"
	assert_eq '' "$(names --filter name=^a --filter label=n=d)"
	assert_eq 'd ' "$(names --filter label=n=d)"
	assert_eq 'a c ' "$(names --filter label=common --filter 'label!=n=d')"
	assert_eq 'a c d ' "$(names --filter dangling=true)"
	assert_eq '' "$(names --filter driver=macvlan)"
	assert_eq 'a ' "$(names --filter id="$(show a '{{.ID}}')")"
	assert_eq 'a c d ' "$(names --filter until=2100-01-01 --filter label=common)"
	assert_eq '' "$(names --filter until=24h --filter label=common)"
	run hoy network ls --filter x=y
	assert_err E-USAGE
	run hoy network ls --filter name=^a -q
	assert_out a
	run hoy network ls --filter name=^a --no-trunc --noheading
	assert_match '^[0-9a-f]{64} +a +bridge$'
	run hoy network ls --filter name=^a
	assert_match $'^NETWORK ID +NAME +DRIVER\n[0-9a-f]{12} +a +bridge$'
	run hoy network ls --filter name=^nothing --format '{{.NoField}}'
	is_peer || assert_err E-FORMAT
}

# The keys that podman's JSON has, by the table of its structs.
test_podman_shape() { # peer_ok
	need jq
	as_now || return 0
	hoy network create --subnet 10.231.0.0/24 --ip-range 10.231.0.128/25 --label a=b --opt mtu=1400 --dns 9.9.9.9 --route 10.9.0.0/16,10.231.0.9,5 x >/dev/null || fail create
	hoy network create plain >/dev/null || fail create
	run jq -rc '.[0] | keys_unsorted | join(" ")' <(hoy network inspect x)
	assert_out 'name id driver network_interface created subnets routes ipv6_enabled internal dns_enabled network_dns_servers labels options ipam_options containers'
	run jq -rc '.[0] | [.subnets, .routes, .labels, .options, .ipam_options, .containers]' <(hoy network inspect x)
	assert_out '[[{"subnet":"10.231.0.0/24","gateway":"10.231.0.1","lease_range":{"start_ip":"10.231.0.129","end_ip":"10.231.0.255"}}],[{"destination":"10.9.0.0/16","gateway":"10.231.0.9","metric":5}],{"a":"b"},{"mtu":"1400"},{"driver":"host-local"},{}]'
	run jq -rc '.[0] | keys_unsorted | join(" ")' <(hoy network inspect plain)
	assert_out 'name id driver network_interface created subnets ipv6_enabled internal dns_enabled ipam_options containers'
	run jq -rc '.[] | select(.name=="plain") | keys_unsorted | join(" ")' <(hoy network ls --format json)
	assert_out 'name id driver network_interface created subnets ipv6_enabled internal dns_enabled ipam_options'
	run hoy network ls --filter name=plain --format '{{json .}}'
	assert_match '^\{"name":"plain","id":"[0-9a-f]{64}","driver":"bridge",'
	assert_eq '5' "$(show x '{{range .Routes}}{{.Metric}}{{end}}')"
}

test_docker_shape() {
	need jq
	hoy network create --subnet 10.231.0.0/24 --ip-range 10.231.0.128/25 --aux-address r=10.231.0.4 --label a=b --opt com.docker.network.driver.mtu=1400 x >/dev/null || fail create
	run as_docker network ls
	assert_match $'^NETWORK ID +NAME +DRIVER +SCOPE\n[0-9a-f]{12} +bridge +bridge +local\n[0-9a-f]{12} +host +host +local\n[0-9a-f]{12} +none +null +local\n[0-9a-f]{12} +x +bridge +local$'
	run as_docker network ls -q --filter name=x
	assert_match '^[0-9a-f]{12}$'
	run as_docker network ls --filter type=custom --format '{{.Name}}'
	assert_out x
	run jq -c 'keys' <(as_docker network ls --format json --filter name=x)
	assert_out '["CreatedAt","Driver","ID","IPv4","IPv6","Internal","Labels","Name","Scope"]'
	run jq -rc '.[0] | keys_unsorted | join(" ")' <(as_docker network inspect x)
	assert_out 'Name Id Created Scope Driver EnableIPv4 EnableIPv6 IPAM Internal Attachable Ingress ConfigFrom ConfigOnly Containers Options Labels'
	run jq -rc '.[0] | [.IPAM, .Options, .Labels, .Containers]' <(as_docker network inspect x)
	assert_out '[{"Driver":"default","Options":{},"Config":[{"Subnet":"10.231.0.0/24","IPRange":"10.231.0.128/25","Gateway":"10.231.0.1","AuxiliaryAddresses":{"r":"10.231.0.4"}}]},{"com.docker.network.driver.mtu":"1400"},{"a":"b"},{}]'
	run as_docker network inspect host none -f '{{.Name}} {{.Driver}} {{.IPAM.Config}}'
	assert_match $'^host host .*\nnone null '
	run as_docker network create y
	assert_match '^[0-9a-f]{64}$'
	run as_docker network create y
	assert_rc 1
	run as_docker network rm nosuch
	assert_rc 1
	run as_docker network rm -f nosuch
	assert_ok
	run as_docker network inspect nosuch
	assert_rc 1
	assert_out '[]'
	run as_docker network prune -f
	assert_out $'Deleted Networks:\nx\ny'
}

# The command for everything finds networks after containers and images.
test_inspect_of_all() {
	load busybox
	hoy network create web >/dev/null
	run hoy inspect -f '{{.Name}} {{.Driver}}' web
	assert_out 'web bridge'
	run hoy inspect --type network -f '{{.Name}}' web bridge
	assert_out $'web\nbridge'
	run hoy inspect --type image web
	assert_err_has E-IMAGE-UNKNOWN
	run hoy inspect nosuch
	assert_err_has E-OBJECT-UNKNOWN
	run hoy inspect wep
	assert_err_has 'did you mean web?'
	hoy create --name web busybox true >/dev/null
	run hoy inspect -f '{{.State.Status}}' web
	assert_out created
}

test_prune() { # peer_ok
	hoy network create --label keep=1 a >/dev/null
	hoy network create b >/dev/null
	run hoy network prune -f --filter 'label!=keep'
	assert_ok
	assert_out b
	run hoy network prune -f --filter until=24h
	assert_out ''
	run hoy network prune -f
	assert_out a
	run hoy network prune -f
	assert_ok
	assert_out ''
	is_peer && return
	hoy network create c >/dev/null
	run hoy network prune --dry-run
	assert_out c
	run hoy network prune
	assert_err E-USAGE 'nobody answered'
	run bash -c "echo n | $HOY network prune"
	hoy network exists c || fail 'no meant yes'
	run bash -c "echo y | $HOY network prune"
	assert_out c
	run hoy network prune -f --filter name=x
	assert_err E-USAGE
	hoy network create d >/dev/null
	run hoy system prune -f
	assert_has $'Deleted Networks\nd'
	hoy network exists bridge || fail 'bridge is gone'
}

test_always_there() { # short
	local n
	run hoy network ls -q
	assert_out bridge
	for n in bridge podman default host none; do
		run hoy network rm $n
		assert_err E-NETWORK-BUILTIN
		run hoy network rm -f $n
		assert_err E-NETWORK-BUILTIN
	done
	[ ! -e "$(store)/networks/bridge" ] || fail 'made without need'
	run hoy network exists bridge
	assert_ok
	assert_eq bridge "$(show podman '{{.Name}}')"
	assert_eq '2 true false' "$(show bridge '{{len .Subnets}} {{.IPv6Enabled}} {{.DNSEnabled}}')"
	assert_eq "$(subnet bridge)" "$(subnet default)"
}

test_update() {
	hoy network create --dns 9.9.9.9 a >/dev/null
	run hoy network update --dns-add 1.1.1.1,8.8.8.8 --dns-drop 9.9.9.9 a
	assert_ok
	assert_out a
	assert_eq '[1.1.1.1 8.8.8.8]' "$(show a '{{.NetworkDNSServers}}')"
	run hoy network update --dns-drop 1.1.1.1 --dns-drop 8.8.8.8 a
	assert_eq '[]' "$(show a '{{.NetworkDNSServers}}')"
	run hoy network update a
	assert_err E-USAGE
	run hoy network update --dns-add x a
	assert_err E-USAGE
	run hoy network update --dns-add 1.1.1.1 nosuch
	assert_err E-NETWORK-UNKNOWN
	run hoy network update --dns-add 1.1.1.1 bridge
	assert_err E-NETWORK-OPTION
}

# Records that somebody else wrote, or a newer hoy, hide nothing and break nothing.
test_hostile_records() { # rows=user,root,one
	local text n=0 dir
	dir=$(store)/networks
	hoy network create good >/dev/null
	for text in '' '{' '[]' 'null' '{"Version":1}' '{"Version":99,"Name":7}' '{"Version":1,"Name":"other","Id":"x","Driver":"bridge"}' \
		"$(printf '{"Version":1,"Name":"bad6","Id":"%064d","Driver":"../../x"}' 1)" "$(head -c 2000000 /dev/zero | tr '\0' ' ')"; do
		mkdir -p "$dir/bad$n/leases"
		printf '%s' "$text" >"$dir/bad$n/config.json"
		n=$((n + 1))
	done
	mkdir "$dir/fifo" "$dir/link" "$dir/.hidden" "$dir/with space"
	mkfifo "$dir/fifo/config.json"
	ln -s /etc/passwd "$dir/link/config.json"
	ln -s good "$dir/alias"
	: >"$dir/file"
	run timeout 20 $HOY network ls -q
	assert_ok
	assert_has good
	assert_lacks bad
	assert_err_has 'damaged networks are left out'
	run hoy network inspect bad5
	assert_err_has E-NEWER
	run hoy network inspect bad0
	assert_rc 125
	run hoy __complete --no-desc -- network rm goo
	assert_out good
	run hoy network create more
	assert_ok
	run hoy network rm bad5
	assert_err_has E-NEWER
	for n in 0 1 2 3 4 6 7 8; do
		run hoy network rm bad$n
		assert_ok
		[ ! -e "$dir/bad$n" ] || fail "bad$n is there"
	done
}

# Many who create at once get as many subnets, and one name goes to one of them.
test_at_once() {
	local i
	for i in {1..30}; do hoy network create n$i >/dev/null & done
	for i in {1..10}; do hoy network create same >>"$T/same" 2>/dev/null & done
	wait
	assert_eq 32 "$(hoy network ls -q | wc -l)" networks
	assert_eq 1 "$(wc -l <"$T/same")" 'who made it'
	assert_eq 31 "$(for i in $(hoy network ls -q --filter dangling=true); do subnet "$i"; done | sort -u | wc -l)" subnets
	for i in {1..30}; do hoy network rm n$i >/dev/null & done
	wait
	run hoy network ls -q
	assert_out $'bridge\nsame'
}

# A list of 200 reads each record once, and nothing else for it.
test_many() { # rows=user
	local i calls
	need strace
	hoy network create first >/dev/null
	for i in {1..200}; do
		mkdir -p "$(store)/networks/m$i/leases"
		sed "s/\"first\"/\"m$i\"/; s|10\.[0-9.]*/24|10.200.$i.0/24|; s|10\.[0-9.]*\.1\"|10.200.$i.1\"|" "$(store)/networks/first/config.json" >"$(store)/networks/m$i/config.json"
	done
	run strace -f -qq -o "$T/calls" $HOY network ls -q
	assert_ok
	assert_eq 202 "$(wc -l <"$T/out")"
	calls=$(grep -c networks/m "$T/calls")
	assert_eq 200 "$calls" 'files opened'
	[ "$(wc -l <"$T/calls")" -lt 1500 ] || fail "$(wc -l <"$T/calls") calls"
	run hoy network create another
	assert_ok
}

test_two_stores() {
	hoy network create web >/dev/null
	run env HOY_ROOT="$HOME/other" $HOY network ls -q
	assert_out bridge
	HOY_ROOT=$HOME/other hoy network create --ipv6 web >/dev/null || fail 'the same name in another store'
	hoy network create --ipv6 six >/dev/null
	[ "$(show six '{{(index .Subnets 1).Subnet}}')" != "$(HOY_ROOT=$HOME/other show web '{{(index .Subnets 1).Subnet}}')" ] || fail 'two stores of one prefix'
	hoy network rm web six >/dev/null
	HOY_ROOT=$HOME/other hoy network exists web || fail 'gone from the other store'
}

test_reset() { # rows=user,root,one
	hoy network create web >/dev/null
	run hoy system reset -f
	assert_ok
	[ ! -e "$(store)/networks" ] || fail 'networks are left'
}

run_tests "$@"
