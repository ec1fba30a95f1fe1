#!/bin/bash
# Which ids a container has: --userns, --uidmap, --gidmap and their like. What they should be was compared with podman 5.4.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# mapped OPTION... -- COMMAND...
mapped() { in_busybox "$@"; }
maps() { # KIND OPTION...: the map of the container, blanks made one
	local kind=$1
	shift
	mapped "$@" -- cat "/proc/self/${kind}_map"
	printf '%s\n' "$out" | awk '{$1 = $1; printf "%s%s", n++ ? "," : "", $0}'
}
subids() { awk -F: -v u="$(id -un)" '$1 == u {n += $3} END {print n + 0}' /etc/subuid; }
layers() { find "$(store)/layers" -mindepth 1 -maxdepth 1 -name '*.*-*' | wc -l; }

# ---- keep-id

test_keep_id_shows_the_caller_as_himself() { # rows=user,one peer_ok short
	load busybox
	mapped --userns keep-id -- sh -c 'id -u; id -g'
	assert_ok
	assert_out "$(printf '%s\n%s' "$(id -u)" "$(id -g)")"
}

test_keep_id_map() { # rows=user peer_ok
	load busybox
	local u n
	u=$(id -u) n=$(subids)
	assert_eq "0 1 $u,$u 0 1,$((u + 1)) $((u + 1)) $((n - u))" "$(maps uid --userns keep-id)" uids
	assert_eq "0 1 200,200 0 1,201 201 $((n - 200))" "$(maps uid --userns keep-id:uid=200,gid=210)" uids
	assert_eq "0 1 210,210 0 1,211 211 $((n - 210))" "$(maps gid --userns keep-id:uid=200,gid=210)" gids
	assert_eq "0 1 $u,$u 0 1,$((u + 1)) $((u + 1)) 98" "$(maps uid --userns keep-id:size=$((u + 99)))" size
	assert_eq "0 1 99,$u 0 1" "$(maps uid --userns keep-id:size=100)" 'size below the own id'
}

test_keep_id_files_belong_to_whom_the_image_says() { # rows=user peer_ok
	load busybox
	mapped --userns keep-id -- sh -c 'stat -c "%u %g" / /etc /etc/passwd /home/app; touch /tmp/x /home/app/y 2>/dev/null; stat -c "%u %g" /tmp/x; ls /home/app/y 2>&1 | grep -c No; cat /etc/shadow 2>&1 | grep -c denied'
	assert_out "$(printf '0 0\n0 0\n0 0\n1000 1000\n%s %s\n1\n1' "$(id -u)" "$(id -g)")"
	mapped --userns keep-id --user 0 -- sh -c 'touch /x /home/app/y; chown 5:6 /x; stat -c "%u %g" /x /home/app/y; cat /etc/shadow >/dev/null && echo read'
	assert_out "$(printf '5 6\n0 0\nread')"
}

test_keep_id_on_a_volume() { # rows=user,one peer_ok
	load busybox
	mkdir -m 700 "$T/v"
	mapped --userns keep-id -v "$T/v:/v" -- sh -c 'touch /v/f; stat -c %u /v /v/f'
	assert_out "$(printf '%s\n%s' "$(id -u)" "$(id -u)")"
	assert_eq "$(id -u)" "$(stat -c %u "$T/v/f")" outside
}

test_keep_id_has_a_name_in_passwd() { # rows=user,one
	load busybox
	hoy run --name p --network none busybox sed -i "/:$(id -u):/d" /etc/passwd /etc/group || fail sed
	hoy commit -q p nameless >/dev/null || fail commit
	hoy rm p >/dev/null
	run hoy run --rm --network none --userns keep-id nameless sh -c 'id -un; id -gn; echo "$HOME"'
	assert_eq "$(id -un)" "$(sed -n 1p "$T/out")" name
	assert_eq "$(id -un)" "$(sed -n 2p "$T/out")" group
	assert_eq / "$(sed -n 3p "$T/out")" HOME
	# another number is nobody in particular
	mapped --userns keep-id:uid=4321,gid=4322 -- tail -n 1 /etc/passwd
	assert_out '4321:*:4321:4322:container user:/:/bin/sh'
}

test_keep_id_and_users() { # rows=user
	load busybox cfg-user-uid
	mapped --userns keep-id --user 0 -- id -u
	assert_out 0
	mapped --userns keep-id --user app:video -- sh -c 'id -u; id -g'
	assert_out "$(printf '1000\n44')"
	mapped --userns keep-id --user 4242:4343 -- sh -c 'id -u; id -g; touch /tmp/f; stat -c "%u %g" /tmp/f'
	assert_out "$(printf '4242\n4343\n4242 4343')"
	mapped --userns keep-id --user :44 -- sh -c 'id -u; id -g'
	assert_out "$(printf '0\n44')"
	mapped --userns keep-id --user 99999 -- true
	assert_err E-ID-RANGE 99999
	# the image's own user stays
	run hoy run --rm --network none --userns keep-id cfg-user-uid id -u
	assert_out 1000
	# the caller's group is one of everybody's, as with podman
	mapped --userns keep-id --user 33 -- id -G
	assert_out "0 $(id -g)"
}

test_keep_groups_with_each_mode() { # rows=user peer_ok
	load busybox
	local m
	for m in keep-id nomap auto host; do
		mapped --userns $m --group-add keep-groups -- true
		assert_ok
	done
}

# ---- the other modes

test_nomap() { # rows=user peer_ok short
	load busybox
	assert_eq "0 1 $(subids)" "$(maps uid --userns nomap)" uids
	mkdir -m 700 "$T/v"
	touch "$T/v/f"
	mapped --userns nomap -v "$T/v:/v" -- sh -c 'stat -c %u /v; ls /v 2>&1 | grep -c denied; echo x >/dev/stdout; echo y >/dev/stderr'
	assert_out "$(printf '65534\n1\nx')"
	assert_eq y "$err" stderr
}

test_host_and_private_are_all_ids() { # rows=user,root
	load busybox
	local want m
	want=$(maps uid)
	for m in host private ''; do
		assert_eq "$want" "$(maps uid --userns "$m")" "mode '$m'"
	done
}

test_environment() { # rows=user peer_ok
	load busybox
	export PODMAN_USERNS=keep-id
	mapped -- id -u
	assert_out "$(id -u)"
	mapped --userns host -- id -u
	assert_out 0
	assert_eq '0 1 2000' "$(maps uid --uidmap 0:1:2000)" 'a map goes before'
}

test_refused_modes() {
	load busybox
	local m
	for m in foo keep-idx keep-id: keep-id:foo=1 keep-id:uid=x keep-id:size=0 auto:foo=1 auto:size=-1 container: ns:/proc/self/ns/user nomap:x; do
		[ "$T_ROW $m" != "one auto:size=-1" ] || continue
		run hoy create --userns "$m" busybox true
		[ "$T_ROW" != one ] || assert_rc 125
		[ "$T_ROW" = one ] || assert_err E-USAGE
	done
	run hoy create --userns keep-id --uidmap 0:1:10 busybox true
	assert_err E-USAGE exclude
	run hoy create --userns container:nobody busybox true
	assert_err E-CONTAINER-UNKNOWN
	[ -z "$(hoy ps -aq)" ] || fail 'a container was made'
}

test_one_id() { # rows=one short
	load busybox
	local m
	for m in nomap auto; do
		run hoy create --userns $m busybox true
		assert_err E-ID-RANGE "one id only"
	done
	run hoy create --uidmap 0:1:100 busybox true
	assert_err E-ID-RANGE 'uids 1 to 100'
	mapped --uidmap 0:0:1 -- id -u
	assert_out 0
	mapped --userns keep-id:uid=77,gid=78 -- sh -c 'id -u; id -g'
	assert_out "$(printf '77\n78')"
	mapped --userns keep-id --user 0 -- id -u
	assert_out 0
}

test_container() { # rows=user
	load busybox
	hoy run -d --name one --userns keep-id --network none busybox sleep 1000 >/dev/null || fail run
	assert_eq "$(maps uid --userns keep-id)" "$(maps uid --userns container:one)" ids
	mapped --userns container:one -- id -u
	assert_out 0
	run hoy create --name two --userns container:one busybox true
	run hoy inspect -f '{{.HostConfig.UsernsMode}}' two
	assert_match '^container:[0-9a-f]{64}$'
	hoy rm -f -t 0 one two >/dev/null
}

# ---- maps

test_maps() { # rows=user
	load busybox
	local n
	n=$(subids)
	assert_eq '0 100 2001' "$(maps uid --uidmap 0:100:2001)" uids
	assert_eq '0 100 2001' "$(maps gid --uidmap 0:100:2001)" 'gids as uids'
	assert_eq '0 100 2001' "$(maps uid --gidmap 0:100:2001)" 'uids as gids'
	assert_eq '0 1 3000' "$(maps gid --uidmap 0:1:2001 --gidmap 0:1:3000)" 'each its own'
	assert_eq '0 5 1' "$(maps uid --uidmap 0:5)" 'one id'
	assert_eq '0 10 1000,1000 2000 1' "$(maps uid --uidmap 0:10:1000:1000:2000:1)" 'two in one word'
	assert_eq "0 1 1000,1000 0 1,1001 1001 $((n - 1000))" "$(maps uid --uidmap "+1000:@$(id -u)")" '+ and @'
	assert_eq "0 1 1000,1000 0 1,1001 1001 $((n - 1000))" "$(maps uid --uidmap "+u1000:@$(id -u)")" u
	assert_eq "0 0 1,1 1 $n" "$(maps gid --uidmap "+u1000:@$(id -u)")" 'gids stay'
	assert_eq "0 1 $n" "$(maps uid --subuidname "$(id -un)")" subuidname
	assert_eq "0 1 $n" "$(maps gid --subuidname "$(id -un)")" 'subuidname for gids'
}

test_refused_maps() { # rows=user short
	load busybox
	local m
	for m in foo 0 :1:1 0:-1:5 0:1:0 x0:1:1 0:1:1:1 0:1:4294967296 4294967295:1:1 0:@x:1; do
		run hoy create --uidmap "$m" busybox true
		assert_err E-USAGE "$m"
	done
	run hoy create --uidmap 5:100:50 busybox true
	assert_err E-USAGE 'uid 0 is not mapped'
	run hoy create --uidmap 0:1:10 --uidmap 5:20:10 busybox true
	assert_err E-USAGE 5:20:10
	run hoy create --uidmap 0:1:10 --uidmap 10:5:10 busybox true
	assert_err E-USAGE 10:5:10
	run hoy create --uidmap "0:1:$(($(subids) + 10))" busybox true
	assert_err E-ID-RANGE "uids $(($(subids) + 1)) to $(($(subids) + 10))"
	run hoy create --uidmap 0:@5:5 busybox true
	assert_err E-ID-RANGE 'uid 5 of this machine'
	run hoy create --subuidname no-such-name busybox true
	assert_err E-ID-RANGE no-such-name
	# a list that would overflow what the kernel takes
	for m in $(seq 2 2 200); do set -- "$@" --uidmap "$m:$m:1"; done
	run hoy create --uidmap 0:1:1 "$@" busybox true
	assert_err E-ID-RANGE 'more than'
}

# Files of ids that the container does not have are nobody's, and no set-user-ID program of theirs gives an id away.
test_files_of_unmapped_ids() { # rows=user peer_ok
	load busybox
	mapped --uidmap 0:5:500 -- sh -c 'stat -c "%u %g" /etc/passwd /home/app; stat -c %g /etc/shadow'
	assert_out "$(printf '0 0\n65534 65534\n42')"
}

# ---- auto

test_auto_containers_are_disjoint() { # rows=user short
	load busybox
	local i
	for i in 1 2 3; do
		hoy run -d --name a$i --userns auto --network none busybox sleep 1000 >/dev/null || fail "run $i"
	done
	for i in 1 2 3; do hoy exec a$i cat /proc/self/uid_map; done | sort -n -k2 >"$T/maps"
	awk '$1 != 0 || $2 < end || $2 == 0 {exit 1} {end = $2 + $3}' "$T/maps" || fail "not disjoint: $(cat "$T/maps")"
	assert_eq 2001 "$(awk 'NR == 1 {print $3}' "$T/maps")" 'size, by the image'
	# a range that is free again is used again, and so are the layers for it
	local first forms
	first=$(hoy exec a2 cat /proc/self/uid_map) forms=$(layers)
	hoy rm -f -t 0 a2 >/dev/null
	assert_eq "$(printf '%s\n' "$first" | awk '{$1 = $1; print}')" "$(maps uid --userns auto)" 'the lowest that is free'
	assert_eq "$forms" "$(layers)" 'layers'
	hoy rm -f -t 0 a1 a3 >/dev/null
}

test_auto_at_once() { # rows=user
	load busybox
	local i
	for i in 1 2 3 4 5 6 7 8; do hoy create --name c$i --userns auto:size=2001 busybox true >/dev/null & done
	wait
	for i in 1 2 3 4 5 6 7 8; do hoy inspect -f '{{index .HostConfig.IDMappings.UidMap 0}}' c$i; done | tr : ' ' | sort -n -k2 >"$T/maps"
	assert_eq 8 "$(awk '$2 >= end {n++} {end = $2 + $3} END {print n}' "$T/maps")" disjoint
}

test_auto_options() { # rows=user
	load busybox
	assert_eq '0 1 3000' "$(maps uid --userns auto:size=3000)" size
	assert_eq '0 0 1,1 1 2999' "$(maps uid --userns auto:uidmapping=0:0:1,size=3000)" uidmapping
	assert_eq '0 1 3000' "$(maps gid --userns auto:uidmapping=0:0:1,size=3000)" 'of the uids only'
	mapped --userns auto --user 5000 -- sh -c 'id -u; cat /proc/self/uid_map'
	assert_eq 5000 "$(sed -n 1p "$T/out")" uid
	assert_eq 5001 "$(awk 'NR == 2 {print $3}' "$T/out")" 'size, by --user'
	run hoy create --userns auto:size=100000000 busybox true
	assert_err E-ID-RANGE '100000000 ids in a row'
	[ -z "$(hoy ps -aq)" ] || fail 'a container was made'
}

# ---- what else looks at ids

test_exec_and_streams() { # rows=user
	load busybox
	local m
	for m in keep-id nomap auto:size=5000; do
		hoy run -d --name c --userns $m --user 0 --network none busybox sleep 1000 >/dev/null || fail "run $m"
		run hoy exec c sh -c 'id -u; echo out >/dev/stdout; echo err >/dev/stderr'
		assert_out "$(printf '0\nout')"
		assert_eq err "$err" "stderr, $m"
		run hoy exec -u app c sh -c 'id -u; echo out >/proc/self/fd/1'
		assert_out "$(printf '1000\nout')"
		run hoy exec -u 4242 c sh -c 'id -u; touch /tmp/t; stat -c %u /tmp/t'
		assert_out "$(printf '4242\n4242')"
		hoy rm -f -t 0 c >/dev/null
	done
}

test_exec_is_who_keep_id_says() { # rows=user,one peer_ok
	load busybox
	hoy run -d --name c --userns keep-id --network none busybox sleep 1000 >/dev/null || fail run
	run hoy exec c id -u
	assert_out "$(id -u)"
	hoy rm -f -t 0 c >/dev/null
}

test_terminals() { # rows=user
	load busybox
	local m
	for m in keep-id nomap auto; do
		run with_pty -- $HOY run --rm -it --userns $m --network none busybox sh -c 'stat -c "%u %g" $(tty); echo x >/dev/tty; test -w /dev/console && echo console'
		assert_ok
		case $m in
		keep-id) assert_has "$(id -u) 5" ;;
		*) assert_has '0 5' ;;
		esac
		assert_has console
	done
}

# What each container has of its own belongs to its root, whatever the map.
test_owners_of_what_is_made() { # rows=user
	load busybox
	local m
	for m in keep-id nomap auto '--uidmap=0:100:3000'; do
		case $m in -*) ;; *) m=--userns=$m ;; esac
		mapped "$m" --user 0 --tmpfs /t --read-only=false -- sh -c 'stat -c "%u:%g" / /dev /dev/pts /dev/shm /etc/hosts /etc/resolv.conf /etc/hostname /run /run/.containerenv /etc/mtab /t /etc | sort -u; stat -c %g /dev/pts/ptmx'
		assert_out "$(printf '0:0\n0')"
	done
	mapped --userns auto -- sh -c 'echo >/dev/null; head -c 1 /dev/zero | wc -c; stat -c %u /dev/null'
	assert_out "$(printf '1\n65534')"
}

test_init() { # rows=user
	load busybox
	local m
	for m in keep-id nomap auto; do
		mapped --userns $m --init -- sh -c 'cat /proc/1/comm; id -u'
		assert_ok
		assert_has hoy
	done
}

test_roots_without_layers() { # rows=user
	local m
	for m in keep-id nomap auto; do
		run hoy run --rm --network none --userns $m @host sh -c 'id -u; stat -c %u /root /tmp /home | sort -u; touch /tmp/x && echo made'
		assert_ok
		assert_has made
		assert_eq 0 "$(sed -n 2p "$T/out")" "owner, $m"
	done
}

test_top_and_inspect() { # rows=user
	load busybox
	hoy run -d --name c --userns keep-id:uid=200,gid=210 --network none busybox sleep 1000 >/dev/null || fail run
	run hoy top c user huser
	assert_has "$(id -un)"
	run hoy inspect -f '{{.HostConfig.UsernsMode}} {{.Config.User}} {{index .HostConfig.IDMappings.UidMap 0}} {{index .HostConfig.IDMappings.GidMap 1}}' c
	assert_out 'private 200:210 0:1:200 210:0:1'
	hoy rm -f -t 0 c >/dev/null
	hoy run -d --name c --network none busybox sleep 1000 >/dev/null || fail run
	run hoy inspect -f '{{json .HostConfig.IDMappings}}{{.HostConfig.UsernsMode}}' c
	assert_out null
	hoy rm -f -t 0 c >/dev/null
}

test_changes_are_told_as_the_container_saw_them() { # rows=user
	load busybox
	local m
	for m in keep-id nomap auto; do
		hoy run --name c --userns $m --user 0 --network none busybox sh -c 'touch /new; chown 7:8 /new; chown 9 /etc/hostname.x 2>/dev/null; mkdir /dir; touch /dir/f; chown -R app:video /dir; rm /etc/shadow; chmod 700 /home/app' || fail "run $m"
		run hoy diff c
		assert_eq 'A /dir,A /dir/f,A /new,C /etc,C /home,C /home/app,D /etc/shadow' "$(sort "$T/out" | tr '\n' ',' | sed 's/,$//')" "diff, $m"
		hoy export c | tar -tvf - --numeric-owner >"$T/list" || fail export
		assert_eq '7/8' "$(awk '$6 == "new" {print $2}' "$T/list")" "new, $m"
		assert_eq '1000/44' "$(awk '$6 == "dir/f" {print $2}' "$T/list")" "dir/f, $m"
		assert_eq '0/0' "$(awk '$6 == "etc/passwd" {print $2}' "$T/list")" "passwd, $m"
		assert_eq '1000/1000' "$(awk '$6 == "home/app/" {print $2}' "$T/list")" "home, $m"
		hoy commit -q c made >/dev/null || fail commit
		run hoy run --rm --network none made stat -c '%u %g' /new /dir/f /etc/passwd /home/app
		assert_out "$(printf '7 8\n1000 44\n0 0\n1000 1000')"
		run hoy diff busybox c
		assert_ok
		assert_lacks /etc/passwd
		hoy rm c >/dev/null && hoy rmi made >/dev/null
	done
	run hoy system check
	assert_ok
}

test_volumes() { # rows=user
	load busybox
	local m
	mkdir -m 700 "$T/mine"
	echo mine >"$T/mine/f"
	for m in keep-id nomap auto; do
		mapped --userns $m --user 0 -v vol-$m:/home/app -v "$T/mine:/mine" -v "$T/mine:/over:O" --tmpfs /t:uid=7,gid=8 --mount type=image,source=busybox,destination=/im -- \
			sh -c 'stat -c "%u %g" /home/app /t /im/etc /im/home/app; touch /home/app/new; chown 9 /home/app/new'
		assert_ok
		assert_out "$(printf '1000 1000\n7 8\n0 0\n1000 1000')"
		mapped --userns $m -v vol-$m:/v -- stat -c %u /v/new
		assert_out 9
		hoy rm -f --volumes "$(hoy ps -alq)" >/dev/null 2>&1
	done
	mapped --userns keep-id -v "$T/mine:/over:O" -- sh -c 'stat -c %u /over/f; echo changed >/over/f; cat /over/f'
	assert_out "$(printf '%s\nchanged' "$(id -u)")"
	assert_eq mine "$(cat "$T/mine/f")" outside
	# :U gives it to the container's user
	mapped --userns auto --user 5 -v "$T/mine:/mine:U" -- sh -c 'stat -c %u /mine /mine/f'
	assert_out "$(printf '5\n5')"
	mapped --userns keep-id -v "$T/mine:/mine:U" -- sh -c 'stat -c %u /mine/f'
	assert_out "$(id -u)"
	assert_eq "$(id -u)" "$(stat -c %u "$T/mine/f")" 'the user has it again'
}

test_secrets() { # rows=user
	load busybox
	local m
	printf hush >"$T/s"
	hoy secret create sec "$T/s" >/dev/null || fail create
	for m in keep-id nomap auto; do
		mapped --userns $m --user 0 --secret sec --secret sec,uid=5,gid=6,mode=0440,target=/five --secret sec,type=env,target=S -- sh -c 'cat /run/secrets/sec /five; echo; stat -c "%u %g %a" /run/secrets/sec /five; echo $S'
		assert_out "$(printf 'hushhush\n0 0 444\n5 6 440\nhush')"
	done
}

test_cp() { # rows=user
	load busybox
	local m
	echo hello >"$T/f"
	for m in keep-id nomap auto:size=2100; do
		hoy create --name c --userns $m --user 0 --network none busybox sh -c 'stat -c "%u %g" /f /home/app/f; cat /f; sleep 1000' >/dev/null || fail create
		run hoy cp "$T/f" c:/f
		assert_ok
		run hoy cp -a=false "$T/f" c:/home/app/f
		assert_ok
		run hoy cp c:/etc/passwd "$T/passwd"
		assert_ok
		run hoy cp c:/etc/shadow -
		assert_ok
		hoy start c >/dev/null || fail start
		wait_for sh -c "$HOY logs c | grep -q hello"
		run hoy logs c
		assert_out "$(printf '0 0\n0 0\nhello')"
		run hoy cp c:/f "$T/back"
		assert_ok
		assert_bytes "$T/f" "$T/back"
		assert_eq "$(id -u)" "$(stat -c %u "$T/back")" 'owner outside'
		run hoy cp "$T/f" c:/tmp/g
		assert_ok
		run hoy exec c stat -c %u /tmp/g
		assert_out 0
		hoy rm -f -t 0 c >/dev/null
	done
}

test_restart_keeps_the_map() { # rows=user
	load busybox
	hoy create --name c --userns auto --network none busybox sh -c 'cat /proc/self/uid_map; touch /f; stat -c %u /f' >/dev/null || fail create
	run hoy start -a c
	assert_ok
	local first=$out
	run hoy run --rm --userns auto --network none busybox true
	run hoy start -a c
	assert_out "$first"
}

# ---- layers in another form

test_forms_are_made_once_and_collected() { # rows=user short
	load busybox
	local i
	for i in 1 2 3 4; do hoy run --rm --userns keep-id --network none busybox true & done
	wait
	assert_eq 1 "$(layers)" forms
	local before
	before=$(stat -c %i "$(store)"/layers/*-*/diff)
	mapped --userns keep-id -- true
	assert_eq "$before" "$(stat -c %i "$(store)"/layers/*-*/diff)" 'made again'
	assert_eq "uids 0:1:$(id -u),$(id -u):0:1,$(($(id -u) + 1)):$(($(id -u) + 1)):$(($(subids) - $(id -u)))" "$(sed -n 1p "$(store)"/layers/*-*/ids)" ids
	run hoy system check
	assert_ok
	hoy rmi busybox >/dev/null || fail rmi
	assert_eq 0 "$(ls_count "$(store)/layers")" layers
}

test_all_kinds_of_files() { # rows=user
	load tree
	local m
	for m in keep-id auto; do
		hoy run --name c --userns $m --network none tree true || hoy create --name c --userns $m tree true >/dev/null
		hoy export c | tar -tvf - --numeric-owner | awk '{print $1, $2, $3, $6, $7, $8}' | grep -v ' \(etc\|dev\|proc\|sys\|run\)/' | sort >"$T/$m"
		hoy rm c >/dev/null
	done
	hoy create --name c tree true >/dev/null
	hoy export c | tar -tvf - --numeric-owner | awk '{print $1, $2, $3, $6, $7, $8}' | grep -v ' \(etc\|dev\|proc\|sys\|run\)/' | sort >"$T/plain"
	[ -s "$T/plain" ] || fail 'nothing exported'
	for m in keep-id auto; do
		diff "$T/plain" "$T/$m" >"$T/diff" || fail "$m: $(head -5 "$T/diff")"
	done
}

# ---- as root

test_as_root() { # rows=root
	load busybox
	local all
	all=$(maps uid)
	assert_eq "$all" "$(maps uid --userns keep-id)" keep-id
	mapped --userns keep-id -- id -u
	assert_out 0
	assert_eq '0 300000 65536' "$(maps uid --uidmap 0:300000:65536)" uidmap
	mkdir -m 700 "$T/v"
	mapped --uidmap 0:300000:65536 -v "$T/v:/v:U" -- sh -c 'touch /v/f /f; stat -c %u / /f /v/f /etc/passwd'
	assert_out "$(printf '0\n0\n0\n0')"
	assert_eq 300000 "$(stat -c %u "$T/v/f")" outside
	run hoy create --userns nomap busybox true
	assert_err E-USAGE 'ordinary users'
}

run_tests "$@"
