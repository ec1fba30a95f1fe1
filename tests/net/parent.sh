#!/bin/bash
# Networks of the drivers macvlan and ipvlan: devices of containers beside one of the host's. The host is a network namespace of the test's own, in
# which the test is root; in it p0 is a device, and o0 (10.55.0.1) the other end of its cable.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# on_host: runs the script on stdin there.
on_host() {
	need unshare ip
	unshare -Urn true 2>/dev/null || skip 'no user namespaces'
	{
		echo 'set -e
			ip link set lo up; ip link add p0 type veth peer name o0; ip link set p0 up; ip link set o0 up
			ip addr add 10.55.0.1/24 dev o0; hoy() { $HOY "$@"; }'
		cat
	} >"$T/script"
	run env HOY="$HOY" unshare -Urn bash "$T/script"
}

macvlan_there() { unshare -Urn sh -c 'ip link add v0 type veth peer name v1 && ip link add d0 link v0 type macvlan' 2>/dev/null; }
ipvlan_there() { unshare -Urn sh -c 'ip link add v0 type veth peer name v1 && ip link add d0 link v0 type ipvlan' 2>/dev/null; }

test_only_root() { # rows=user,one
	run hoy network create -d macvlan --subnet 10.55.0.0/24 -o parent=eth0 m
	assert_err E-NETWORK-PARENT 'only root'
	assert_err_has 'the driver bridge'
	run hoy network create -d macvlan m # not what is missing besides
	assert_err E-NETWORK-PARENT 'only root'
	run hoy network ls -q --filter driver=macvlan
	assert_out ''
}

test_parent_is_there() {
	on_host <<'END'
hoy network create -d macvlan --subnet 10.55.0.0/24 -o parent=p7 m
END
	assert_err E-NETWORK-PARENT 'no network device p7'
	on_host <<'END'
hoy network create -d ipvlan --subnet 10.55.0.0/24 -o parent=p0.50 m
END
	assert_err E-NETWORK-PARENT 'type vlan id 50'
	on_host <<'END'
hoy network create -d macvlan --subnet 10.55.0.0/24 m
END
	assert_err E-NETWORK-PARENT 'no default route'
}

test_records() {
	on_host <<'END'
hoy network create -d macvlan -o parent=p0 -o mode=private --subnet 192.168.7.0/24 --gateway 192.168.7.254 --ip-range 192.168.7.240/28 m
hoy network inspect --format '{{.Driver}} {{.NetworkInterface}} {{(index .Subnets 0).Gateway}} {{index .Options "mode"}}' m
hoy network create -d ipvlan -o parent=p0 -o mode=l3 --subnet 192.168.7.0/24 i # the subnet of others is meant to be
hoy network create -d ipvlan --ipam-driver none -o parent=p0 n
END
	assert_ok
	assert_has 'macvlan p0 192.168.7.254 private'
}

test_macvlan() { # short
	macvlan_there || skip 'no macvlan in this kernel'
	load busybox
	on_host <<'END'
hoy network create -d macvlan -o parent=p0 -o mtu=1400 --subnet 10.55.0.0/24 --gateway 10.55.0.1 m >/dev/null
hoy run -d --name a --network m --mac-address 02:11:22:33:44:55 --ip 10.55.0.77 busybox sh -c 'mkdir /w; echo I am a >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null
hoy exec a ip -o addr show eth0
hoy exec a cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu
hoy exec a ip route
hoy run --rm --network m busybox timeout 5 wget -q -O - http://10.55.0.77/
exec 3<>/dev/tcp/10.55.0.77/80
printf 'GET / HTTP/1.0\r\n\r\n' >&3; tail -1 <&3
ip neigh show 10.55.0.77
hoy restart -t 0 a >/dev/null
hoy exec a ip -o -4 addr show eth0
hoy rm -f -t 0 a >/dev/null
END
	assert_ok
	assert_has 'inet 10.55.0.77/24'
	assert_has '02:11:22:33:44:55'
	assert_has 1400
	assert_has 'default via 10.55.0.1'
	assert_eq 2 "$(grep -c '^I am a' "$T/out")" 'answers'
	assert_eq 2 "$(grep -c 'inet 10.55.0.77' "$T/out")" 'the address, before and after a restart'
	assert_has 'lladdr 02:11:22:33:44:55'
}

test_two_networks_and_ports() {
	macvlan_there || skip 'no macvlan in this kernel'
	load busybox
	on_host <<'END'
hoy network create -d macvlan -o parent=p0 --subnet 10.55.0.0/24 --gateway 10.55.0.1 m >/dev/null
hoy run -d --name a --network bridge --network m busybox sleep 1000 >/dev/null
hoy exec a sh -c 'cd /sys/class/net && echo *'
hoy exec a ip -o -4 addr show eth1
hoy network disconnect m a
hoy exec a sh -c 'cd /sys/class/net && echo *'
hoy network connect m a
hoy exec a sh -c 'cd /sys/class/net && echo *'
hoy run -d --name b --network bridge busybox sleep 1000 >/dev/null
! hoy network connect m b || echo unexpected
hoy rm -f -t 0 a b >/dev/null
! hoy run --rm --network m -p 8080:80 busybox true || echo unexpected
END
	assert_ok
	assert_lacks unexpected
	assert_eq 'eth0 eth1 lo;eth0 lo;eth0 eth1 lo;' "$(grep '^eth0' "$T/out" | tr '\n' ';')" devices
	assert_has 'inet 10.55.0.'
	assert_err_has 'after a restart of the container'
	assert_err_has 'no ports of the host lead there'
}

test_ipvlan() {
	load busybox
	on_host <<'END'
hoy network create -d ipvlan -o parent=p0 --subnet 10.55.0.0/24 --gateway 10.55.0.1 i >/dev/null
hoy run --rm --network i busybox ip -o -4 addr show eth0
END
	if ipvlan_there; then
		assert_ok
		assert_has 'inet 10.55.0.'
	else
		assert_err E-NET-KERNEL 'ipvlan'
		assert_err_has 'modprobe ipvlan'
	fi
}

run_tests "$@"
