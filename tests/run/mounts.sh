#!/bin/bash
# --mount, --volume, --tmpfs, --device, --shm-size: as seen from inside, and what is refused.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# attributes OPTIONS...: how the mount at /m looks, from mountinfo: its options and its optional fields.
attributes() {
	in_busybox "$@" -- sh -c "grep ' /m ' /proc/self/mountinfo"
	assert_ok
}

test_mount_bind() { # peer_ok short
	load busybox
	mkdir "$HOME/d"
	echo hello >"$HOME/d/f"
	local m
	for m in "type=bind,source=$HOME/d,destination=/m" "type=bind,src=$HOME/d,dst=/m" "dst=/m,type=bind,src=$HOME/d" \
		"type=bind,\"src=$HOME/d\",target=/m"; do
		in_busybox --mount "$m" -- sh -c 'cat /m/f; echo x >/m/g && rm /m/g && echo written'
		assert_out "$(printf 'hello\nwritten')"
	done
	for m in readonly ro ro=true rw=false; do
		in_busybox --mount "type=bind,src=$HOME/d,dst=/m,$m" -- sh -c 'cat /m/f; echo x 2>/dev/null >/m/g && echo written'
		assert_out hello
	done
	in_busybox --mount "type=bind,src=$HOME/d/f,dst=/etc/issue,ro" -- cat /etc/issue
	assert_out hello
	cd "$HOME" || fail cd
	in_busybox --mount type=bind,src=./d,dst=/m -- cat /m/f
	assert_out hello
	in_busybox --mount type=bind,src=d,dst=/m -- cat /m/f
	assert_out hello
	mkdir 'a,b' && echo comma >'a,b/f'
	in_busybox --mount "type=bind,\"src=$HOME/a,b\",dst=/m" -- cat /m/f
	assert_out comma
}

test_mount_options() { # peer_ok
	load busybox
	mkdir "$HOME/d"
	attributes --mount "type=bind,src=$HOME/d,dst=/m,nosuid,nodev,noexec"
	assert_has nosuid,nodev,noexec
	attributes -v "$HOME/d:/m:nosuid,nodev,noexec,ro"
	assert_has ro,nosuid,nodev,noexec
	attributes --mount "type=bind,src=$HOME/d,dst=/m,relabel=shared,consistency=cached"
	attributes -v "$HOME/d:/m:z,rbind,cached,nocopy"
	attributes --mount type=tmpfs,dst=/m,tmpfs-size=1m,tmpfs-mode=700
	assert_has 'size=1024k'
	assert_has 'mode=700'
	assert_lacks noexec
	attributes --mount type=tmpfs,dst=/m,ro,noexec
	assert_match ' ro,.*noexec'
	attributes --tmpfs /m:size=2m,mode=1777,suid,dev
	assert_has 'size=2048k'
	assert_lacks nosuid
	assert_lacks nodev
	attributes --tmpfs /m:size=50%
}

test_mount_refusals() { # peer_ok
	load busybox
	mkdir "$HOME/d"
	local m
	for m in type=bin,src="$HOME/d",dst=/m type=bind,dst=m,src="$HOME/d" type=bind,src="$HOME/d" type=bind,src=/no/such,dst=/m \
		type=bind,src="$HOME/d",dst=/m,readnoly type=bind,src="$HOME/d",dst=/m,bind-propagation=odd \
		type=bind,src="$HOME/d",dst=/m,ro,rw type=bind,src="$HOME/d",dst=/m,tmpfs-size=1m type=tmpfs,src=/x,dst=/m \
		type=bind,src="$HOME/d",dst=/m,relabel=odd "type=bind,src=$HOME/d,src=$HOME/d,dst=/m" 'type=bind,"src=/tmp,dst=/m' \
		type=bind,src="$HOME/d",dst=/m,dst=/n src="$HOME/d",dst=/m; do
		in_busybox --mount "$m" -- true
		assert_err
	done
	for m in "$HOME/d:/m:ro,rw" "$HOME/d:/m:" "$HOME/d:/m:odd" /no/such:/m "$HOME/d:m"; do
		in_busybox -v "$m" -- true
		assert_err
	done
	for m in /m:odd /m:atime=1 m; do
		in_busybox --tmpfs "$m" -- true
		assert_err
	done
}

test_mount_root_only() {
	load busybox
	in_busybox -v "$HOME:/m:idmap" -- true
	assert_err E-MOUNT
	in_busybox --mount "type=bind,src=$HOME,dst=/m,idmap=uids=0-1-1" -- true
	assert_err E-MOUNT root
}

test_propagation() { # peer_ok
	load busybox
	mkdir "$HOME/d"
	local p
	for p in private rprivate slave rslave shared rshared; do
		attributes -v "$HOME/d:/m:$p"
		case $p in
		*shared) assert_has shared: ;;
		*private) assert_lacks shared: ;;
		esac
		attributes --mount "type=bind,src=$HOME/d,dst=/m,bind-propagation=$p"
	done
}

# What the host mounts below the source later is seen with slave and shared only.
test_propagation_from_the_host() { # rows=root
	load busybox
	mkdir "$HOME/d"
	mount --bind "$HOME/d" "$HOME/d" && mount --make-shared "$HOME/d" && mkdir "$HOME/d/sub" || fail mount
	(
		hoy run -d --name s -v "$HOME/d:/m:rslave" --network none busybox sleep 1000 >/dev/null || fail run
		hoy run -d --name p -v "$HOME/d:/m" --network none busybox sleep 1000 >/dev/null || fail run
		mount -t tmpfs late "$HOME/d/sub"
		run hoy exec s grep -c ' /m/sub ' /proc/mounts
		assert_out 1
		run hoy exec p grep -c ' /m/sub ' /proc/mounts
		assert_out 0
	)
	local rc=$?
	hoy rm -f -t 0 s p >/dev/null
	umount "$HOME/d/sub" "$HOME/d"
	[ $rc = 0 ] || exit $rc
}

test_mounts_below() { # rows=root
	load busybox
	mkdir -p "$HOME/d/sub"
	mount -t tmpfs below "$HOME/d/sub" || fail mount
	echo deep >"$HOME/d/sub/f"
	(
		in_busybox --mount "type=bind,src=$HOME/d,dst=/m" -- cat /m/sub/f
		assert_out deep
		for o in bind-nonrecursive bind-recursive=disabled; do
			in_busybox --mount "type=bind,src=$HOME/d,dst=/m,$o" -- ls /m/sub
			assert_out ''
		done
		in_busybox -v "$HOME/d:/m:bind" -- ls /m/sub
		assert_out ''
		# Read-only is so for all below, unless it is said otherwise.
		in_busybox -v "$HOME/d:/m:ro" -- sh -c 'echo x 2>/dev/null >/m/sub/g; ls /m/sub'
		assert_out f
		in_busybox --mount "type=bind,src=$HOME/d,dst=/m,ro,bind-recursive=readonly" -- sh -c 'echo x 2>/dev/null >/m/sub/g; ls /m/sub'
		assert_out f
		in_busybox --mount "type=bind,src=$HOME/d,dst=/m,ro,bind-recursive=writable" -- sh -c 'echo x >/m/sub/g; echo x 2>/dev/null >/m/h; ls /m /m/sub'
		assert_has g
		assert_lacks h
	)
	local rc=$?
	umount "$HOME/d/sub"
	[ $rc = 0 ] || exit $rc
}

# A host whose mounts are locked, as they are for everybody in a user namespace: there is a file system at $HOME/d, another one below.
in_mounts() {
	mkdir -p "$HOME/d"
	run unshare -Urm sh -c "mount -t tmpfs top $HOME/d && mkdir -p $HOME/d/sub && mount -t tmpfs below $HOME/d/sub && echo deep >$HOME/d/sub/f
		unset HOY_ROOT; export HOY_ROOT=$HOME/inner; $HOY load -q -i $T_FIX/busybox.tar >/dev/null && $1"
}

# What a mount of the host hides must not be uncovered by leaving it out, and says so.
test_what_a_mount_hides() { # rows=user
	in_mounts "$HOY run --rm --network none --mount type=bind,src=$HOME/d,dst=/m busybox cat /m/sub/f"
	assert_out deep
	in_mounts "$HOY run --rm --network none --mount type=bind,src=$HOME/d,dst=/m,bind-nonrecursive busybox ls /m/sub"
	assert_rc 125
	assert_err_has 'must stay hidden'
	in_mounts "mount -o remount,bind,noexec $HOME/d; $HOY run --rm --network none -v $HOME/d:/m:exec busybox true"
	assert_rc 125
	assert_err_has 'noexec'
}

test_missing_source() {
	load busybox
	run hoy run --rm -v "$HOME/made/deep:/m" busybox true
	assert_err '' made/deep
	# docker makes a directory, for -v only.
	run as_docker run --rm -v "$HOME/made/deep:/m" busybox touch /m/x
	assert_ok
	[ -e "$HOME/made/deep/x" ] || fail 'no directory was made'
	run as_docker run --rm --mount "type=bind,src=$HOME/made/more,dst=/m" busybox true
	assert_rc 125
	run as_docker run --rm --mount "type=bind,src=$HOME/made/more,dst=/m,bind-create-src=true" busybox true
	assert_ok
}

test_link_as_source() { # peer_ok
	load busybox
	mkdir "$HOME/d"
	echo one >"$HOME/d/f"
	ln -s f "$HOME/d/l"
	in_busybox --mount "type=bind,src=$HOME/d/l,dst=/m" -- sh -c 'cat /m; readlink /m'
	assert_out one
	in_busybox --mount "type=bind,src=$HOME/d/l,dst=/m,no-dereference" -- readlink /m
	assert_out f
	in_busybox -v "$HOME/d/l:/m:no-dereference" -- readlink /m
	assert_out f
}

test_owner() { # peer_ok rows=user,root
	load busybox
	mkdir -p "$HOME/d/sub"
	echo x >"$HOME/d/sub/f"
	ln -s /etc/passwd "$HOME/d/link"
	chmod 755 "$HOME" "$HOME/d"
	in_busybox -u 1000:1000 --mount "type=bind,src=$HOME/d,dst=/m,U" -- sh -c 'stat -c "%u %g" /m /m/sub /m/sub/f; stat -c "%u %g" /m/link; touch /m/new && echo written'
	assert_out "$(printf '1000 1000\n1000 1000\n1000 1000\n1000 1000\nwritten')"
	in_busybox -v "$HOME/d:/m:U,ro" -- stat -c %u /m /m/sub/f
	assert_out "$(printf '0\n0')"
	in_busybox -u 1000 --mount type=tmpfs,dst=/m,U=true -- sh -c 'stat -c "%u" /m; touch /m/x && echo ok'
	is_peer || assert_out "$(printf '1000\nok')"
	in_busybox -u 1000 --mount type=tmpfs,dst=/m,chown,ro -- sh -c 'stat -c "%u" /m; touch /m/x 2>/dev/null && echo written'
	is_peer || assert_out 1000
}

test_owner_with_one_id() { # rows=one
	load busybox
	mkdir "$HOME/d"
	in_busybox -v "$HOME/d:/m:U" -- sh -c 'touch /m/x && stat -c %u /m/x'
	assert_out 0
	in_busybox -u 1000 -v "$HOME/d:/m:U" -- sh -c 'touch /m/y && stat -c %u /m/y'
	assert_out 1000
}

test_tmpfs_is_filled_from_the_image() { # peer_ok
	load busybox
	local t
	for t in "--tmpfs /etc" "--tmpfs /etc:tmpcopyup" "--mount type=tmpfs,dst=/etc"; do
		# shellcheck disable=SC2086
		in_busybox $t -- sh -c 'grep -c ^root: /etc/passwd; stat -c "%a %u" /etc; stat -c %a /etc/passwd; echo x >/etc/passwd && echo written'
		assert_out "$(printf '1\n755 0\n644\nwritten')"
	done
	in_busybox --tmpfs /etc:notmpcopyup -- sh -c 'test -e /etc/group && echo there'
	assert_out ''
	in_busybox --mount type=tmpfs,dst=/etc,notmpcopyup -- sh -c 'test -e /etc/group && echo there'
	assert_out ''
	in_busybox --tmpfs /new -- stat -c %a /new
	assert_out 1777
	in_busybox --tmpfs /bin:exec -- echo the programs are there
	assert_out 'the programs are there'
}

test_tmpfs_too_small() {
	load busybox
	in_busybox --tmpfs /bin:size=4k -- true
	assert_err E-MOUNT 'too small'
}

test_tmpfs_as_docker() {
	load busybox
	run as_docker run --rm --tmpfs /m --tmpfs /etc --mount type=tmpfs,dst=/n busybox sh -c "grep -cE ' /(m|n|etc) .*noexec' /proc/mounts; test -e /etc/group && echo there"
	assert_out 3
}

test_shm_size() { # peer_ok
	load busybox
	local s
	for s in 1m:1024k 64k:64k 2g:2097152k 1.5m:1536k 1:4k; do
		in_busybox --shm-size "${s%:*}" -- grep ' /dev/shm ' /proc/mounts
		assert_has "size=${s#*:}"
	done
	in_busybox -- grep ' /dev/shm ' /proc/mounts
	assert_has size=64000k
	in_busybox --shm-size 0 -- sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=70 2>/dev/null && echo fits'
	assert_out fits
	in_busybox --shm-size 1m -- sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=2 2>/dev/null && echo fits'
	assert_out ''
	for s in -1 x 10%; do
		in_busybox --shm-size "$s" -- true
		assert_err
	done
}

# A device that everybody may use; which one does not matter.
test_device() { # peer_ok short
	load busybox
	in_busybox --device /dev/null:/dev/mynull -- sh -c 'echo x >/dev/mynull && stat -c "%F %t %T" /dev/mynull'
	assert_out 'character special file 1 3'
	in_busybox --device /dev/zero:/dir/sub/z:rw -- sh -c 'head -c 3 /dir/sub/z | wc -c'
	assert_out 3
	in_busybox --device /dev/zero:rwm -- sh -c 'head -c 3 /dev/zero | wc -c'
	assert_out 3
	local d
	for d in /dev/nope /etc/passwd /dev/null:q vendor.com/gpu=1; do
		in_busybox --device "$d" -- true
		assert_err
	done
	[ -c /dev/net/tun ] || return 0
	in_busybox --device /dev/net -- sh -c 'stat -c %F /dev/net/tun'
	assert_out 'character special file'
	in_busybox --device /dev/net:/dev/other -- ls /dev/other
	assert_has tun
}

# A right can only be kept from the container where the user has none: anything else would be a promise that nobody keeps.
test_device_rights() {
	load busybox
	in_busybox --device /dev/null:r -- true
	assert_err E-DEVICE
	in_busybox --device /dev/null:/dev/x:w -- true
	assert_err E-DEVICE
	in_busybox --device-cgroup-rule 'c 1:3 rwm' -- true
	assert_err E-DEVICE root
	in_busybox --device /dev/null:/proc/x -- true
	assert_err E-DEVICE
}

test_read_only_tmpfs_keeps_the_image() {
	load busybox
	in_busybox --read-only -- sh -c 'touch /run/x /tmp/x /var/tmp/x && stat -c %a /tmp; touch /x 2>/dev/null || echo read-only'
	assert_out "$(printf '1777\nread-only')"
}

test_inspect() { # peer_ok
	load busybox
	mkdir "$HOME/d"
	hoy create --name c --network none --mount "type=bind,src=$HOME/d,dst=/m,ro,bind-propagation=rslave,noexec" -v "$HOME/d:/v:ro,nosuid" \
		--mount type=tmpfs,dst=/t,tmpfs-size=1m --tmpfs /t2:size=2m --shm-size 3m busybox true >/dev/null || fail create
	run hoy inspect --format '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.Options}} {{.RW}} {{.Propagation}};{{end}}' c
	assert_has "bind $HOME/d /m [noexec rbind] false rslave;"
	assert_has "bind $HOME/d /v [nosuid rbind] false rprivate;"
	run hoy inspect --format '{{.HostConfig.Binds}} {{.HostConfig.ShmSize}}' c
	assert_has "$HOME/d:/m:ro,rslave,noexec,rbind"
	assert_has "$HOME/d:/v:ro,nosuid,rprivate,rbind"
	assert_has 3145728
	run hoy inspect --format '{{index .HostConfig.Tmpfs "/t"}} {{index .HostConfig.Tmpfs "/t2"}}' c
	assert_out 'size=1m,rw,rprivate,nosuid,nodev,tmpcopyup size=2m,rw,rprivate,nosuid,nodev,tmpcopyup'
}

test_inspect_as_docker() {
	load busybox
	mkdir "$HOME/d"
	hoy create --name c --mount "type=bind,src=$HOME/d,dst=/m,ro,bind-propagation=rslave" -v "$HOME/d:/v:ro" -v "$HOME/d:/w" \
		--mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 --device /dev/null:/dev/x busybox true >/dev/null || fail create
	run as_docker inspect --format '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Mode}} {{.RW}} {{.Propagation}};{{end}}' c
	assert_has 'bind /m  false rslave;'
	assert_has 'bind /v ro false rprivate;'
	assert_has 'bind /w  true rprivate;'
	run as_docker inspect --format '{{json .HostConfig.Binds}}' c
	assert_out "[\"$HOME/d:/v:ro\",\"$HOME/d:/w\"]"
	run as_docker inspect --format '{{json .HostConfig.Mounts}}' c
	assert_has "{\"Type\":\"bind\",\"Source\":\"$HOME/d\",\"Target\":\"/m\",\"ReadOnly\":true,\"BindOptions\":{\"Propagation\":\"rslave\"}}"
	assert_has '{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1048576,"Mode":448}}'
	run as_docker inspect --format '{{range .HostConfig.Devices}}{{.PathOnHost}} {{.PathInContainer}} {{.CgroupPermissions}}{{end}}' c
	assert_out '/dev/null /dev/x rwm'
}

run_tests "$@"
