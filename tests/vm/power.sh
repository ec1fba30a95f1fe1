#!/bin/bash
# The power is cut while containers are made and removed and images come and go: after the next boot nothing is half there, and what hoy had said it had
# done is still done.
. "$(dirname "$0")/../lib.sh"

test_power_cut() { # rows=root long
	need qemu-system-x86_64 mmdebstrap cpio mke2fs apt-get
	local here vm=${T_VM:-/var/tmp/hoy-test-vm} n i=''
	here=$(dirname "$(readlink -f "$0")")
	bash "$here/make" "$vm" >"$T/make" 2>&1 || fail "the machine cannot be made: $(tail -3 "$T/make")"
	cp "${HOY%% *}" "$vm/root/usr/bin/hoy" || fail 'no binary to take along'
	cp "$T_FIX/busybox.tar" "$T_FIX/cfg-env.tar" "$T_FIX/stop.tar" "$vm/root/" || fail 'no images to take along'
	cat >"$T/script" <<'EOF'
round=$(sed -n 's/.*vm\.cut=\([0-9]*\).*/\1/p' /proc/cmdline)
if [ -e ~/been ]; then
	# What was said before the cut is true: names of containers that were made and not removed again, and images.
	echo "again $(hoy ps -aq | wc -l)"
	hoy system check || echo "BROKEN check"
	hoy ps -a --format '{{.Names}}' | sort >/tmp/names
	while read -r name; do
		hoy inspect "$name" >/dev/null || echo "BROKEN inspect $name"
		echo "there $name"
	done </tmp/names
	for name in $(hoy ps -a --format '{{.Names}}' | sort | tail -4); do
		hoy start "$name" >/dev/null || echo "BROKEN start $name"
	done
	for image in $(hoy images --format '{{.Repository}}:{{.Tag}}'); do
		hoy run --rm --network none "$image" true || echo "BROKEN image $image"
	done
	hoy rm -f -a -t 0 >/dev/null || echo "BROKEN rm"
	hoy image prune -f >/dev/null || echo "BROKEN prune"
	hoy system check || echo "BROKEN check at the end"
	for d in containers cnames tmp u0; do [ "$(ls ~/.local/share/hoy/$d 2>/dev/null | wc -l)" = 0 ] || echo "BROKEN left in $d: $(ls ~/.local/share/hoy/$d)"; done
fi
[ -n "$round" ] || exit 0
: >~/been
hoy image exists busybox || hoy load -q -i /busybox.tar >/dev/null
sync
echo vm-cut
i=0
while :; do
	hoy run -d --name "r$round-$i" --network none busybox sleep 1000 >/dev/null && echo "have r$round-$i"
	hoy create --name "c$round-$i" --network none busybox true >/dev/null && echo "have c$round-$i"
	hoy run --rm --network none busybox true
	hoy load -q -i /stop.tar >/dev/null && echo "have image stop"
	hoy load -q -i /cfg-env.tar >/dev/null
	hoy rmi cfg-env >/dev/null
	hoy rm -f -t 0 "c$round-$i" >/dev/null && echo "gone c$round-$i"
	i=$((i + 1))
done
EOF
	VM_CUTS=3 VM_CUT_AFTER=$((RANDOM % 9 + 2)).$((RANDOM % 10)) bash "$here/boot" "$vm/root" "$vm/kernel" "$T/script" >"$T/out" 2>&1 || fail "in the machine: $(cat "$T/out")"
	! grep -q BROKEN "$T/out" || fail "$(cat "$T/out")"
	assert_eq 3 "$(grep -c '^again' "$T/out")" 'boots after a cut'
	# Every container that was said to be made and not said to be gone is there after the next boot.
	while read -r n; do
		case $n in c*) grep -qx "gone $n" "$T/out" && continue ;; esac
		grep -qx "there $n" "$T/out" || i+=" $n"
	done < <(sed -n 's/^have \([rc][0-9]*-[0-9]*\)$/\1/p' "$T/out")
	[ -z "$i" ] || fail "lost:$i: $(cat "$T/out")"
	[ "$(grep -c '^have r' "$T/out")" -ge 3 ] || fail "too little was done: $(cat "$T/out")"
	note "$(grep -c '^have' "$T/out") objects made in three lives"
}

run_tests "$@"
