#!/bin/bash
# Without an overlay: containers get a copy of their image, and nothing else is different.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# From here on this test's hoy finds no overlayfs in the kernel. (Not the row root: the init is another program there, which gets no environment.)
without_overlay() {
	local so
	so=$(shared_object nooverlay) || exit 1
	HOY="env LD_PRELOAD=$so $HOY"
	export HOY
}
copy_of() { printf '%s/containers/%s/rootfs\n' "$(store)" "$(hoy inspect -f '{{.Id}}' "$1")"; }

# The first container tells what it costs, the next ones do not; info says it.
test_told_once() { # rows=user,one
	without_overlay
	load busybox
	run hoy run --rm --network none busybox echo one
	assert_out one
	assert_err_has 'no overlay here'
	assert_err_has 'a copy of its image'
	run hoy run --rm --network none busybox echo two
	assert_out two
	assert_quiet
	run hoy info
	assert_has 'Storage Driver: vfs'
	assert_has 'Containers get copies of their images'
	assert_eq vfs "$(hoy info -f '{{.Store.GraphDriverName}}')" driver
	wait_for no_tmp
	clean
}

# What the container has written is what diff and commit find, also where times and sizes are put back.
test_changes() { # rows=user,one
	without_overlay
	load busybox
	hoy run --name c --network none busybox sh -c '
		cp -p /etc/group /g; tr a-z b-za </etc/group >/new; cat /new >/etc/group; touch -r /g /etc/group; rm /new /g
		rm /etc/passwd; rm -r /home; mkdir /home; echo x >/home/x; ln -s x /l; chmod 700 /opt; ln /home/x /home/y; mkfifo /p' 2>/dev/null || fail run
	run hoy diff c
	assert_out "$(printf '%s\n' 'C /etc' 'C /etc/group' 'D /etc/passwd' 'C /home' "$(hoy diff c | grep '^D /home/')" 'A /home/x' 'A /home/y' 'A /l' 'C /opt' 'A /p' | sort -k2)" # what was below /home is gone
	hoy commit -q c new >/dev/null || fail commit
	run hoy run --rm --network none new sh -c 'ls /etc/passwd; ls /home; cat /home/y; stat -c %h /home/x; stat -c %a /opt; readlink /l; test -p /p && head -c 4 /etc/group'
	assert_out 'x
y
x
2
700
x
sppu'
	run hoy diff new busybox
	assert_has 'D /etc/passwd'
	run hoy commit -q --squash c flat
	assert_ok
	assert_eq x "$(hoy run --rm --network none flat cat /home/x)" squashed
	hoy export c >"$T/c.tar" || fail export
	assert_eq x "$(tar xOf "$T/c.tar" home/x)" exported
	assert_eq '' "$(tar tf "$T/c.tar" | grep '^etc/passwd')" exported
	clean
}

# A container that does nothing has changed nothing; what is only read, linked or opened is not found.
test_nothing_changed() { # rows=user,one
	without_overlay
	load busybox tree
	for i in busybox tree; do
		hoy run --name "c-$i" --network none "$i" sh -c 'cat /etc/passwd >/dev/null; sleep 0.1; chmod 600 /etc/group; chmod 644 /etc/group; chmod "$(stat -c %a /etc)" /etc' 2>/dev/null
		run hoy diff "c-$i"
		assert_out ''
	done
}

# It is the container's for good: started again, with exec, restart, read-only, with an overlay there again, and away with rm.
test_life() { # rows=user,one
	load busybox
	hoy run --name before --network none busybox sh -c 'echo kept >/f; rm /etc/passwd' || fail run
	local plain=$HOY
	without_overlay
	run hoy start -a before # what it wrote into the upper directory is in the copy
	run hoy export before
	assert_ok
	tar xOf "$T/out" f | grep -q kept || fail 'what was written before is lost'
	tar tf "$T/out" | grep -q etc/passwd && fail 'what was removed before is there again'
	run hoy run --rm --read-only --network none busybox touch /x
	assert_rc 1
	hoy run -d --name r --network none busybox sleep 1000 >/dev/null || fail 'run -d'
	hoy exec r sh -c 'echo hello >/e'
	hoy restart -t 0 r >/dev/null || fail restart
	HOY=$plain
	assert_eq hello "$(hoy exec r cat /e)" 'after a restart'
	hoy restart -t 0 r >/dev/null || fail restart
	assert_eq hello "$(hoy exec r cat /e)" 'with an overlay'
	assert_eq vfs "$(hoy inspect -f '{{.GraphDriver.Name}}' r)" driver
	assert_eq A "$(hoy diff r | cut -c1 | sort -u)" changes
	local dir
	dir=$(copy_of r)
	[ -d "$dir" ] || fail 'no copy'
	hoy rm -f -t 0 r before >/dev/null || fail rm
	[ ! -e "$dir" ] || fail 'the copy is left'
	clean
}

owners() {
	hoy run --rm --network none tree find /bin /etc /home /opt /usr /var -xdev ! -name mtab -exec stat -c '%n %u:%g %a %F' {} + | sort
	hoy run --rm --network none tree find /bin /etc /usr -type f -exec stat -c '%n %h' {} + | sort
}
# Layers over layers: names that come and go, hidden directories, hard links, owners.
test_layers() { # rows=user,one
	load layers127 tree
	run hoy run --rm --network none layers127 sh -c 'ls /n | wc -l; cat /n/last; find / -xdev ! -path "/etc/mtab" ! -path "/proc*" ! -path "/sys*" ! -path "/dev*" | sort | sha256sum'
	local want=$out own
	own=$(owners)
	without_overlay
	run hoy run --rm --network none layers127 sh -c 'ls /n | wc -l; cat /n/last; find / -xdev ! -path "/etc/mtab" ! -path "/proc*" ! -path "/sys*" ! -path "/dev*" | sort | sha256sum'
	assert_out "$want"
	assert_eq "$own" "$(owners)" owners
}

# The same tree by both ways, with all that a layer can say.
test_same_as_overlay() { # rows=user,one
	craft <<-'E'
		def layer(*entries):
		    b = io.BytesIO()
		    with tarfile.open(fileobj=b, mode="w", format=tarfile.PAX_FORMAT) as t:
		        for name, kind, more in entries:
		            i = tarfile.TarInfo(name)
		            i.type, i.mode = kind, 0o755 if kind == tarfile.DIRTYPE else 0o644
		            data = b""
		            if kind in (tarfile.LNKTYPE, tarfile.SYMTYPE): i.linkname = more
		            elif kind == tarfile.REGTYPE: data = more.encode(); i.size = len(data)
		            t.addfile(i, io.BytesIO(data))
		    return b.getvalue()
		D, F, L, S = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE
		one = layer(("a", D, 0), ("a/gone", F, "1"), ("a/file", F, "1"), ("a/dir", D, 0), ("a/dir/below", F, "1"), ("o", D, 0), ("o/old", F, "1"),
		            ("h1", F, "linked"), ("h2", L, "h1"), ("d/h3", L, "h1"), ("t1", F, "1"), ("t2", D, 0), ("t2/x", F, "1"), ("s", S, "a"), ("r", D, 0), ("r/x", F, "1"))
		two = layer(("a/.wh.gone", F, ""), ("a/file", D, 0), ("a/file/in", F, "2"), ("a/dir", S, "/o"), ("o/.wh..wh..opq", F, ""), ("o/new", F, "2"),
		            ("t1", D, 0), ("t1/y", F, "2"), ("t2", F, "2"), ("s", D, 0), ("s/real", F, "2"), (".wh.r", F, ""))
		three = layer(("a/gone", F, "3"), ("h2", F, "3"), ("r", D, 0), ("r/again", F, "3"), ("o/.wh.new", F, ""))
		base = tarfile.open(os.environ["T_FIX"] + "/busybox.tar")
		m = json.loads(base.extractfile("manifest.json").read())[0]
		config = json.loads(base.extractfile(m["Config"]).read())
		files = {n: base.extractfile(n).read() for n in m["Layers"]}
		for k, l in enumerate((one, two, three)):
		    files["l%d.tar" % k] = l
		    m["Layers"].append("l%d.tar" % k)
		    config["rootfs"]["diff_ids"].append("sha256:" + digest(l))
		config.pop("history", None)
		m["RepoTags"], m["Config"] = ["many:latest"], "c.json"
		files["c.json"] = json.dumps(config).encode()
		files["manifest.json"] = json.dumps([m]).encode()
		archive("many", files)
	E
	hoy load -q -i "$T/many.tar" >/dev/null || fail load
	local look='cd /; find a o h1 h2 d t1 t2 s r -exec stat -c "%n %F %s" {} + | sort; cat h1 h2 d/h3 a/gone r/again'
	run hoy run --rm --network none many sh -c "$look"
	assert_has 'a/file/in regular file'
	local want=$out
	without_overlay
	run hoy run --rm --network none many sh -c "$look"
	assert_out "$want"
	run hoy run --rm --network none many sh -c '[ "$(stat -c %i h1)" = "$(stat -c %i d/h3)" ] && stat -c %h h1'
	assert_out 2
}

# A store that lies on an overlay itself: there the kernel refuses an upper directory, and has overlays all the same.
test_store_on_overlay() { # rows=user,one,root
	mkdir "$T/l" "$T/u" "$T/w" "$T/m"
	# shellcheck disable=SC2016
	run unshare $([ "$(id -u)" = 0 ] || echo --map-root-user) --mount bash -c '
		mount -t overlay overlay -o userxattr,lowerdir="$1/l",upperdir="$1/u",workdir="$1/w" "$1/m" 2>/dev/null || exit 77
		export HOY_ROOT=$1/m/store
		$HOY load -q -i "$T_FIX/tree.tar" >/dev/null || exit 1
		$HOY run --name c --network none tree sh -c "echo x >/x; rm -r /home" || exit 2
		$HOY start -a c 2>/dev/null
		$HOY diff c
		$HOY commit -q c new >/dev/null || exit 3
		$HOY run --rm --network none new sh -c "cat /x; ls -d /home" 2>/dev/null
		$HOY rm c >/dev/null && $HOY rmi -f new tree >/dev/null || exit 4
		$HOY system check' bash "$T"
	[ "$rc" != 77 ] || skip 'no overlay here'
	assert_ok
	assert_err_has 'no overlay here'
	assert_match '^D /home
A /x
x
clean'
}

# Views are copies too: an image in `unshare`, and what inspect and rm know of a container in the middle of it.
test_image_mount() { # rows=user,one
	without_overlay
	load busybox
	run hoy unshare sh -c 'cd "$('"$HOY"' image mount busybox)" && ls -d bin etc && ! touch x 2>/dev/null; cd /; '"$HOY"' image unmount busybox'
	assert_ok
	assert_has bin
	wait_for no_tmp
	clean
}

# Killed at any moment of the copying: the container starts again, or goes.
test_killed() { # rows=user
	without_overlay
	load layers127
	local i p
	hoy create --name c --network none layers127 cat /n/last >/dev/null || fail create
	for ((i = 0; i < 12; i++)); do
		$HOY start c >/dev/null 2>&1 &
		p=$!
		sleep "0.0$((i * 7 % 10))$((i % 10))"
		# the supervisor first, which has the container's directory
		for q in $(pgrep -u "$(id -u)" -f "$(id -un).*start c" 2>/dev/null) $p; do
			case $(tr '\0' ' ' <"/proc/$q/environ" 2>/dev/null) in *"HOY_ROOT=$HOY_ROOT"*) kill -9 "$q" 2>/dev/null ;; esac
		done
		kill -9 $p 2>/dev/null
		wait $p 2>/dev/null
		[ $((i % 4)) != 3 ] || { hoy rm -f -t 0 c >/dev/null && hoy create --name c --network none layers127 cat /n/last >/dev/null || fail 'create again'; }
	done
	hoy stop -t 0 c >/dev/null
	run hoy start -a c
	assert_out 126
	hoy rm -f -t 0 c >/dev/null
	clean
}

test_cp() { # rows=user
	without_overlay
	load busybox
	echo new >"$T/f"
	hoy create --name c --network none busybox cat /new >/dev/null || fail create
	hoy cp "$T/f" c:/new || fail 'cp in'
	hoy cp c:/new "$T/g" || fail 'cp out'
	cmp "$T/f" "$T/g" || fail 'another content'
	run hoy start -a c
	assert_out new
	hoy rm c >/dev/null
}

# A directory as the root, with an overlay that cannot be had.
test_rootfs() { # rows=user,one
	load busybox
	hoy create --name tmp busybox >/dev/null && mkdir "$T/rf" && hoy export tmp | tar -x -C "$T/rf" || fail unpack
	without_overlay
	run hoy run --network none --rm --rootfs "$T/rf:O" sh -c 'echo written >/f; cat /f; rm /bin/ls'
	assert_out written
	[ ! -e "$T/rf/f" ] && [ -e "$T/rf/bin/ls" ] || fail 'the directory was changed'
}

run_tests "$@"
