#!/bin/bash
# The distribution's own, older kernel, in a virtual machine: system calls that the kernel here has and that one lacks. What of it can be had
# without a machine is tested by src/sys/overlay_test.c in every run.
. "$(dirname "$0")/../lib.sh"

test_older_kernel() { # rows=root long
	need qemu-system-x86_64 mmdebstrap cpio mke2fs apt-get
	here=$(dirname "$(readlink -f "$0")")
	vm=${T_VM:-/var/tmp/hoy-test-vm}
	bash "$here/make" "$vm" >"$T/make" 2>&1 || fail "the machine cannot be made: $(tail -3 "$T/make")"
	cp "${HOY%% *}" "$vm/root/usr/bin/hoy" || fail 'no binary to take along'
	cp "$T_FIX/busybox.tar" "$T_FIX/layers127.tar" "$vm/root/" || fail 'no images to take along'
	cat >"$T/script" <<'EOF'
uname -r
set -e
hoy run --rm hello | head -1
hoy load -q -i /busybox.tar && hoy load -q -i /layers127.tar
echo "layers $(hoy run --rm layers127 cat /n/last)"
hoy run -d --name a busybox sleep 1000 >/dev/null
echo "exec $(hoy exec a id -u)"
echo "user $(hoy run --rm -u 7:8 busybox id -G)"
hoy run --rm --read-only busybox touch /x 2>/dev/null && exit 1
echo "host $(hoy run --rm @host id -u)"
hoy rm -f a >/dev/null
hoy run -d --name n -p 8088:80 --cap-add NET_RAW busybox httpd -f -h /etc >/dev/null
ip=$(hoy exec n ip -4 -o addr show eth0 | awk '{ sub("/.*", "", $4); print $4 }')
echo "near $(hoy run --rm --cap-add NET_RAW busybox arping -c 1 -w 9 -I eth0 "$ip" | grep -c 'Unicast reply')"
forge="ip addr add 10.88.99.99/16 dev eth0; arping -c 1 -w 2 -I eth0 -s 10.88.99.99 $ip"
echo "forged $(hoy run --rm --cap-add NET_ADMIN --cap-add NET_RAW busybox sh -c "$forge" | grep -c 'Unicast reply')"
echo "published $(hoy run --rm --network host busybox wget -q -O - http://127.0.0.1:8088/passwd | head -1)"
hoy rm -f -t 0 n >/dev/null
hoy system check
EOF
	VM_SECONDS=110 bash "$here/boot" "$vm/root" "$vm/kernel" "$T/script" >"$T/out" 2>&1 || fail "in the machine: $(cat "$T/out")"
	# shellcheck disable=SC2034  # assert_has looks at it
	out=$(cat "$T/out")
	assert_has 'Hello from hoy!'
	assert_has 'layers 126'
	assert_has 'exec 0'
	assert_has 'user 8'
	assert_has 'host 0'
	assert_has 'near 1'
	assert_has 'forged 0'
	assert_has 'published root:'
	assert_has clean
}

# A kernel that was told to have no IPv6: networks have IPv4.
test_no_ipv6() { # rows=root long
	need qemu-system-x86_64 mmdebstrap cpio mke2fs apt-get
	here=$(dirname "$(readlink -f "$0")")
	vm=${T_VM:-/var/tmp/hoy-test-vm}
	bash "$here/make" "$vm" >"$T/make" 2>&1 || fail "the machine cannot be made: $(tail -3 "$T/make")"
	cp "${HOY%% *}" "$vm/root/usr/bin/hoy" || fail 'no binary to take along'
	cp "$T_FIX/busybox.tar" "$vm/root/" || fail 'no image to take along'
	cat >"$T/script" <<'EOF'
hoy load -q -i /busybox.tar
hoy run -d --name n -p 8088:80 busybox httpd -f -h /etc >/dev/null
echo "published $(hoy run --rm --network host busybox wget -q -O - http://127.0.0.1:8088/passwd | head -1)"
echo "servers $(hoy exec n grep -c : /etc/resolv.conf)"
hoy network create x --ipv6 >/dev/null
hoy run -d --name a --network x busybox httpd -f -h /etc >/dev/null
echo "name $(hoy run --rm --network x busybox nslookup a | grep -c 'a.dns.podman')"
hoy rm -f -t 0 n a >/dev/null
hoy system check
EOF
	VM_APPEND=ipv6.disable=1 VM_SECONDS=110 bash "$here/boot" "$vm/root" "$vm/kernel" "$T/script" >"$T/out" 2>&1 || fail "in the machine: $(cat "$T/out")"
	# shellcheck disable=SC2034  # assert_has looks at it
	out=$(cat "$T/out")
	assert_has 'published root:'
	assert_has 'servers 0'
	assert_has 'name 1'
	assert_has clean
}

run_tests "$@"
