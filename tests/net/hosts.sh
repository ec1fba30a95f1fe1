#!/bin/bash
# /etc/hosts, /etc/resolv.conf and /etc/hostname, and the flags that say what stands in them.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

# in_net [OPTION...] -- COMMAND...: in a new container on the default network.
in_net() {
	local o=()
	while [ "$1" != -- ]; do o+=("$1") && shift; done
	shift
	run hoy run --rm --network bridge "${o[@]}" busybox "$@"
}
# image_with_files: "withhosts", which has the three files.
image_with_files() {
	mkdir -p root/etc && cp "$T_FIX/bin/busybox" root/ || fail 'no busybox'
	printf '10.7.7.7 of-the-image\n' >root/etc/hosts
	printf 'box-of-image\n' >root/etc/hostname
	printf 'nameserver 10.7.7.7\n' >root/etc/resolv.conf
	tar -C root -cf image.tar . && hoy import image.tar withhosts >/dev/null || fail import
}
# address_of NAME: of the only network that it is in.
address_of() { hoy inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }

test_hosts_on_the_default_network() { # short rows=user,root,one
	load busybox
	in_net --name web --hostname box --domainname example.org -- sh -c 'cat /etc/hosts; ip -4 -o addr show eth0; hostname; cat /etc/hostname'
	assert_ok
	assert_has $'127.0.0.1\tlocalhost'
	assert_has $'169.254.1.2\thost.containers.internal host.docker.internal'
	local ip=${out#*inet }
	assert_has "${ip%%/*}"$'\tbox.example.org box web'
	[ "$(tail -2 "$T/out")" = $'box\nbox' ] || fail "host name: $(last)"
	# The address that the name stands for is the container's own.
	in_net --hostname box -- sh -c 'ping -c 1 -w 5 box >/dev/null 2>&1; grep -c "	box" /etc/hosts'
	assert_has 2 # IPv4 and IPv6
}

test_hosts_without_a_network() { # short
	load busybox
	run hoy run --rm --network none --hostname box --name web busybox cat /etc/hosts
	assert_has $'127.0.1.1\tbox web'
	assert_lacks 169.254.1.2
	run hoy run --rm --network host --name web busybox cat /etc/hosts
	assert_has "$(grep -v '^#' /etc/hosts | head -1)"
	assert_has $'127.0.0.1\thost.containers.internal'
}

test_add_host() { # short
	load busybox
	in_net --add-host db:10.0.0.7 --add-host cache=10.0.0.8 --add-host 'a;b.c:10.0.0.9' --add-host 'six:[fd00::1]' --add-host six2=fd00::2 \
		--add-host gw:host-gateway --add-host h:10.1.1.1,i:10.1.1.2 -- cat /etc/hosts
	assert_ok
	for line in $'10.0.0.7\tdb' $'10.0.0.8\tcache' $'10.0.0.9\ta b.c' $'fd00::1\tsix' $'fd00::2\tsix2' $'169.254.1.2\tgw' $'10.1.1.1\th' $'10.1.1.2\ti'; do
		grep -qxF "$line" "$T/out" || fail "no line '$line': $(last)"
	done
	run hoy run --rm --network host --add-host gw:host-gateway busybox cat /etc/hosts
	assert_has $'127.0.0.1\tgw'
	run hoy run --rm --network none --add-host db:10.0.0.7 busybox cat /etc/hosts
	assert_has $'10.0.0.7\tdb'
	# What the user says of a name of ours goes.
	in_net --add-host host.docker.internal:10.9.9.9 -- cat /etc/hosts
	assert_has $'10.9.9.9\thost.docker.internal'
	assert_has $'169.254.1.2\thost.containers.internal'
	assert_lacks $'169.254.1.2\thost.containers.internal host.docker.internal'
}

test_bad_flags() { # short
	load busybox
	local row
	for row in '--add-host db' '--add-host :1.2.3.4' '--add-host db:' '--add-host db:1.2.3' '--add-host db:[1.2.3.4]' '--add-host d/b:1.2.3.4' \
		'--add-host a;:1.2.3.4' '--add-host db:1.2.3.4/24' '--dns 1.2.3' '--dns x' '--dns 0.0.0.0' '--dns none --dns 1.1.1.1' \
		'--dns none --dns-search x' '--dns-search a..b' '--dns-search . --dns-search x' '--dns-search -x!' '--dns-option a;b' \
		'--no-hosts --add-host a:1.1.1.1' '--no-hosts --hosts-file /etc/hosts' '--hosts-file relative' '--hosts-file /' \
		'--network none --dns 1.1.1.1' '--network none --dns-search x' '--network none --add-host a:host-gateway'; do
		# shellcheck disable=SC2086
		run hoy create --network bridge $row busybox
		assert_err E-USAGE
	done
	run hoy create --network bridge --add-host $'db:1.2.3.4\n6.6.6.6 bank' busybox
	assert_err E-USAGE
	run hoy create --network bridge --add-host $'d\nb:1.2.3.4' busybox
	assert_err E-USAGE
	run hoy create --network bridge --dns-option $'a\nnameserver 6.6.6.6' busybox
	assert_err E-USAGE
	run hoy create --hosts-file /no/such busybox
	assert_err '' '/no/such'
	hoy run -d --name a --network bridge busybox sleep 1000 >/dev/null || fail run
	run hoy create --network container:a --dns 1.1.1.1 busybox
	assert_err E-USAGE
}

test_hosts_file() { # short rows=user,root,one
	load busybox
	printf '10.5.5.5 printer # a remark\n10.6.6.6 box other\nnonsense\n' >hosts
	in_net --hostname box --hosts-file "$PWD/hosts" -- cat /etc/hosts
	assert_has $'10.5.5.5\tprinter'
	assert_has $'10.6.6.6\tother'
	assert_lacks $'10.6.6.6\tbox'
	assert_lacks nonsense
	in_net --hosts-file none -- grep -c . /etc/hosts
	assert_out 7 # localhost twice, this machine, the block of two addresses
	# Called docker, none is the default, but on the machine's own network.
	run as_docker run --rm --network bridge busybox grep -c . /etc/hosts
	assert_out 7
	run as_docker run --rm --network host busybox cat /etc/hosts
	assert_has "$(grep -v '^#' /etc/hosts | head -1)"
	image_with_files
	run hoy run --rm --network bridge --hosts-file image withhosts /busybox cat /etc/hosts
	assert_has '10.7.7.7 of-the-image'
	assert_has host.docker.internal
	run hoy run --rm --network bridge withhosts /busybox cat /etc/hosts
	assert_lacks of-the-image
}

# What is not made stays as the image has it.
test_image_files_stay() { # short rows=user,root,one
	load busybox
	image_with_files
	run hoy run --rm --network bridge --no-hosts --no-hostname --dns none --hostname other withhosts /busybox sh -c 'cd /etc; /busybox cat hosts hostname resolv.conf; /busybox hostname'
	assert_out $'10.7.7.7 of-the-image\nbox-of-image\nnameserver 10.7.7.7\nother'
	run hoy run --rm --network bridge --no-hosts --read-only withhosts /busybox cat /etc/hosts
	assert_out '10.7.7.7 of-the-image'
	# An image without them has none.
	run hoy run --rm --network none --no-hosts --no-hostname busybox ls /etc/hosts /etc/hostname
	assert_ne 0 "$rc"
	run hoy inspect --format '{{.UseImageHosts}}{{.UseImageHostname}}' "$(hoy create --no-hosts --no-hostname busybox)"
	assert_out truetrue
}

test_resolv_conf() { # short
	load busybox
	in_net -- sh -c 'cat /etc/resolv.conf; ip -4 route'
	local gateway=${out#*default via }
	assert_has "nameserver ${gateway%% *}"
	assert_lacks dns.podman # that network knows no names
	in_net --dns 9.9.9.9 --dns 127.0.0.1 --dns-search example.org,example.com --dns-option ndots:3 --dns-opt rotate -- cat /etc/resolv.conf
	assert_out $'search example.org example.com\nnameserver 9.9.9.9\nnameserver 127.0.0.1\noptions ndots:3 rotate'
	in_net --dns 9.9.9.9 --dns-search . --dns-option timeout:1 -- cat /etc/resolv.conf
	assert_out $'nameserver 9.9.9.9\noptions timeout:1'
	run hoy run --rm --network host busybox cat /etc/resolv.conf
	assert_bytes /etc/resolv.conf "$T/out"
	run hoy run --rm --network host --dns 9.9.9.9 busybox cat /etc/resolv.conf
	assert_has 'nameserver 9.9.9.9'
	run hoy run --rm --network none busybox cat /etc/resolv.conf
	assert_bytes /etc/resolv.conf "$T/out"
}

test_resolv_conf_on_networks() {
	load busybox
	hoy network create one >/dev/null && hoy network create two >/dev/null && hoy network create --internal inner >/dev/null || fail create
	run hoy run --rm --network one --dns-search . busybox cat /etc/resolv.conf
	assert_match '^nameserver 10\.[0-9.]+$'
	local gateway=${out#nameserver }
	run hoy run --rm --network one --dns 9.9.9.9 --dns-option ndots:1 busybox cat /etc/resolv.conf
	assert_has 'search dns.podman'
	assert_has "nameserver $gateway" # which asks 9.9.9.9 for this container
	assert_lacks 9.9.9.9
	run hoy run --rm --network one --dns 127.0.0.1 busybox cat /etc/resolv.conf
	assert_has $'nameserver 127.0.0.1\nnameserver '"$gateway"
	# The last one asks the world: not the internal one, else the one with the default route.
	run hoy run --rm --network one --network inner --network two busybox sh -c 'grep nameserver /etc/resolv.conf; ip -4 route; ip -4 -o addr'
	assert_match "^nameserver 10[0-9.]+
nameserver 10[0-9.]+
nameserver ${gateway//./\\.}
default via ${gateway//./\\.} "
	run hoy run --rm --network inner --network two busybox sh -c 'grep nameserver /etc/resolv.conf; ip -4 -o addr show eth1'
	local last ip
	last=$(sed -n 2p "$T/out") ip=${out#*inet } && ip=${ip%%/*}
	assert_eq "nameserver ${ip%.*}.1" "$last" 'the server that asks the world'
}

test_inspect_shows_them() { # short
	load busybox
	hoy create --name c --network bridge --dns 9.9.9.9 --dns-search x.org --dns-option ndots:2 --add-host 'a;b=1.2.3.4' --hosts-file none busybox >/dev/null || fail create
	run hoy inspect --format '{{json .HostConfig.Dns}} {{json .HostConfig.DnsSearch}} {{json .HostConfig.DnsOptions}} {{json .HostConfig.ExtraHosts}} {{.HostConfig.HostsFile}}' c
	assert_out '["9.9.9.9"] ["x.org"] ["ndots:2"] ["a;b:1.2.3.4"] none'
}

test_joined_network() { # short
	load busybox
	hoy run -d --name a --hostname boxa --network bridge --dns 9.9.9.9 busybox sleep 1000 >/dev/null || fail run
	run hoy run --rm --network container:a --name b --add-host x:1.1.1.1 busybox sh -c 'cat /etc/hosts /etc/resolv.conf'
	assert_ok
	assert_match "$(address_of a)"$'\t.*boxa a'
	assert_has $'1.1.1.1\tx'
	assert_has 'nameserver 9.9.9.9'
}

# The lines of networks follow them; what the container's user wrote stays.
test_connect_and_disconnect() {
	load busybox
	hoy network create one >/dev/null && hoy network create two >/dev/null || fail create
	hoy run -d --name c --network one --hostname box busybox sleep 1000 >/dev/null || fail run
	hoy exec c sh -c 'echo "10.1.1.1 mine" >>/etc/hosts; sed 1iremark /etc/hosts >/tmp/h; cat /tmp/h >/etc/hosts'
	run hoy network connect --alias second two c
	assert_ok
	run hoy exec c sh -c 'cat /etc/hosts; echo; cat /etc/resolv.conf; ip -4 -o addr show eth1'
	assert_has remark
	assert_has '10.1.1.1 mine'
	local ip=${out##*inet }
	assert_has "${ip%%/*}"$'\tbox c second'
	assert_match 'nameserver .*nameserver '
	hoy network disconnect two c || fail disconnect
	run hoy exec c sh -c 'cat /etc/hosts; echo; cat /etc/resolv.conf'
	assert_lacks "${ip%%/*}"
	assert_has remark
	assert_has '10.1.1.1 mine'
	assert_eq 1 "$(grep -c nameserver "$T/out")" 'name servers'
	assert_eq 1 "$(grep -c 'Made by hoy' "$T/out")" 'marks'
	# A mount over it, or a link in its place, is not what is written to.
	hoy rm -f -t 0 c >/dev/null
	hoy run -d --name c --network one --cap-add SYS_ADMIN --security-opt seccomp=unconfined busybox sleep 1000 >/dev/null || fail run
	hoy exec c sh -c 'echo safe >/tmp/f; mount -o bind /tmp/f /etc/hosts' || fail mount
	hoy network connect two c || fail connect
	run hoy exec c sh -c 'cat /tmp/f; umount /etc/hosts; grep -c "	.* c$" /etc/hosts'
	assert_match '^safe
[2-9]'
}

# A file of the user's own is not touched, and one that is read-only may not be written.
test_own_files() { # short rows=user,root,one
	load busybox
	printf '10.3.3.3 own\n' >hosts
	in_net -v "$PWD/hosts:/etc/hosts:ro" --tmpfs /x -- cat /etc/hosts
	assert_out '10.3.3.3 own'
	in_net --read-only -- sh -c 'echo 1.1.1.1 x >>/etc/hosts && grep -c "1.1.1.1 x" /etc/hosts'
	assert_out 1 # as with podman: these three files stay writable
}

# With one uid the powers of a process are those of its only id.
test_others_cannot_write() { # short rows=user,root
	load busybox
	in_net --user 1000 -- sh -c 'echo x >>/etc/hosts'
	assert_ne 0 "$rc"
}

run_tests "$@"
