#!/bin/bash
# commit: what a container has written becomes a layer: everything of it, nothing else, and the same again.
# others: rows=user
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"

# layers IMAGE: the diffIDs, one a line.
layers() { hoy image inspect -f '{{range .RootFS.Layers}}{{.}} {{end}}' "$1" | tr ' ' '\n' | grep .; }
# top IMAGE: the entries of its topmost layer.
top() {
	hoy save --format docker-archive -o "$T/top.tar" "$1" || fail save
	rm -rf "$T/top"
	mkdir "$T/top"
	tar -C "$T/top" -xf "$T/top.tar"
	local last
	last=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["Layers"][-1])' "$T/top/manifest.json")
	tar -tf "$T/top/$last"
}

test_roundtrip() { # peer_ok short rows=user,root,one
	load busybox
	hoy run --name c -e A=1 -w /tmp busybox sh -c 'echo new >/etc/new; rm /etc/passwd; mkdir -p /d/e; echo x >/d/e/f; chmod 4755 /d/e/f; ln /d/e/f /d/hard; ln -s f /d/e/link; chmod 700 /home' || fail run
	run hoy commit -q -a 'Jane <j@example.com>' -c 'CMD ["cat", "/etc/new"]' -c 'LABEL x=y' c img:2
	assert_ok
	assert_match '^[0-9a-f]{64}$'
	run hoy run --rm img:2
	assert_out new
	run hoy run --rm img:2 sh -c 'test -e /etc/passwd && echo there; stat -c "%a %h" /d/e/f; readlink /d/e/link; test /d/hard -ef /d/e/f && echo same; stat -c %a /home; echo $A; pwd'
	assert_out "$(printf '4755 2\nf\nsame\n700\n1\n/tmp')"
	run hoy image inspect -f '{{.Author}} {{index .Config.Labels "x"}}' img:2
	assert_out 'Jane <j@example.com> y'
	hoy rm c >/dev/null
}

# Only what was changed is in the layer, with the directories that lead there; and it is the same layer again.
test_layer() { # short rows=user,root,one
	load busybox
	hoy run --name c busybox sh -c 'echo a >/home/f; rm -r /etc/passwd; mkdir /new; touch -d 2020-01-01 /new /home/f'
	hoy commit c one >/dev/null || fail commit
	run top one
	assert_out "$(printf '%s\n' etc/ etc/.wh.passwd home/ home/f new/)"
	hoy commit c two >/dev/null
	assert_eq "$(layers one)" "$(layers two)" 'layers'
	hoy run --name n busybox true
	hoy commit n none >/dev/null || fail 'commit of nothing'
	run top none
	assert_out ''
	clean
}

# What a directory of an image had is gone when the container made another one in its place.
test_opaque() { # rows=user,root,one
	load busybox
	hoy run --name a busybox sh -c 'mkdir -p /o/sub; touch /o/1 /o/sub/2 /o/3' && hoy commit a base >/dev/null
	hoy run --name c base sh -c 'rm -r /o; mkdir /o; touch /o/3 /o/4'
	run hoy diff c
	assert_out "$(printf '%s\n' 'C /o' 'D /o/1' 'C /o/3' 'A /o/4' 'D /o/sub')"
	hoy commit c next >/dev/null || fail commit
	run hoy run --rm next ls /o
	assert_out "$(printf '3\n4')"
	run top next
	assert_has 'o/.wh..wh..opq'
	hoy run --name d next sh -c 'rm -r /o; echo file >/o'
	hoy commit d last >/dev/null
	run hoy run --rm last cat /o
	assert_out file
	run hoy history --format '{{.CreatedBy}}' last
	assert_eq 4 "$(printf '%s\n' "$out" | grep -c .)" 'steps'
	run hoy image diff last
	assert_out "$(printf '%s\n' 'C /o')"
	clean
}

# Owners, sparse files and attributes.
test_owners() { # rows=user,root,one
	load busybox
	hoy run --name c busybox sh -c 'mkdir /own; echo x >/own/f; chown 7:8 /own/f; chown 9:9 /own; chmod 750 /own; chown 5 /home; truncate -s 52428800 /sparse' || fail run
	hoy commit c own >/dev/null || fail commit
	save_tar own
	run tar --numeric-owner -tvf "$T/layer.tar"
	assert_match '7/8 .* own/f'
	assert_match 'drwxr-x--- 9/9 .* own/'
	assert_match '5/0 .* home/'
	run hoy run --rm own stat -c %s /sparse
	assert_out 52428800
	[ "$(du -sk "$(store)/layers" | cut -f1)" -lt 20000 ] || fail 'the sparse file was written out'
}
save_tar() {
	top "$1" >/dev/null
	cp "$T/top/$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["Layers"][-1])' "$T/top/manifest.json")" "$T/layer.tar"
}

test_config() { # short
	load busybox cfg-both
	hoy run --name c --entrypoint echo --user 3 -l a=b -e X=y --stop-signal INT -t busybox 1 2 >/dev/null
	hoy commit -m words c img >/dev/null
	run hoy image inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.User}} {{.Config.StopSignal}} {{index .Config.Labels "a"}} {{json .Config.Env}}' img
	assert_has '["echo"] ["1","2"] 3 SIGINT b'
	assert_has X=y
	assert_lacks TERM
	assert_lacks container=
	assert_lacks HOSTNAME
	run hoy history --format '{{.CreatedBy}}|{{.Comment}}' img
	assert_has 'echo 1 2|words'
	run hoy commit --format docker --iidfile "$T/iid" c
	assert_ok
	assert_eq "$out" "$(cat "$T/iid")" iidfile
	run hoy image inspect -f '{{.ManifestType}}' "$out"
	assert_has docker
	run hoy run --rm img 3
	assert_out 3
	clean
}

test_squash() {
	load busybox
	hoy run --name c busybox sh -c 'rm /etc/passwd; echo 1 >/one; chown 3:4 /one; chown -h 3:4 /bin/sh 2>/dev/null; true'
	hoy commit -s c flat >/dev/null || fail commit
	assert_eq 1 "$(layers flat | wc -l)" 'layers'
	run hoy run --rm flat sh -c 'cat /one; test -e /etc/passwd || echo gone'
	assert_out "$(printf '1\ngone')"
	save_tar flat
	run tar --numeric-owner -tvf "$T/layer.tar"
	assert_match '3/4 .* one'
	assert_lacks .wh.
	clean
}

# Held still while it is read, then it goes on: also one that was stopped before, which stays so.
test_pause() {
	load busybox
	hoy run -d --name c busybox sh -c 'sh -c "sleep 1000 & echo \$! >/stopped; kill -STOP \$!; wait" & i=0; while :; do i=$((i+1)); echo $i >/count; done' >/dev/null
	wait_for hoy exec c test -s /stopped
	run hoy commit -p c img
	assert_ok
	hoy exec c cat /count >"$T/before"
	wait_for hoy exec c sh -c "[ \$(cat /count) -gt $(cat "$T/before") ]"
	run hoy exec c sh -c 'cut -d" " -f3 /proc/$(cat /stopped)/stat'
	assert_out T
	hoy rm -f c >/dev/null
	clean
}

# Whatever kills it: the container goes on, and the next command finds nothing but garbage to remove.
test_killed() { # rows=user,one
	load busybox
	hoy run -d --name c busybox sh -c 'mkdir /m; for i in $(seq 2000); do echo $i >/m/$i; done; touch /ready; while :; do date +%N >/tick; done' >/dev/null
	wait_for hoy exec c test -e /ready
	local d
	for d in 0 0.005 0.01 0.02 0.03 0.05 0.08 0.12; do
		setsid hoy commit -p c "img$d" >/dev/null 2>&1 &
		sleep "$d"
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
	done
	wait_for sh -c '! grep -lsz "commit" /proc/[0-9]*/cmdline | grep -v "/$$/" | xargs -r grep -lz "img0" 2>/dev/null | grep -q .'
	hoy exec c cat /tick >"$T/a"
	wait_for hoy exec c sh -c "[ \"\$(cat /tick)\" != '$(cat "$T/a")' ]"
	hoy commit c last >/dev/null || fail 'commit after all'
	hoy rm -f c >/dev/null
	clean
}

test_include_volumes() { # rows=user,root,one
	load busybox
	hoy run --name c --network none -v data:/data -v /anon -v "$HOME:/home" busybox touch /data/f || fail run
	hoy commit -q --include-volumes c localhost/with >/dev/null || fail commit
	run hoy image inspect -f '{{json .Config.Volumes}}' localhost/with
	assert_out '{"/data":{},"/anon":{}}'
	hoy commit -q c localhost/without >/dev/null || fail commit
	run hoy image inspect -f '{{json .Config.Volumes}}' localhost/without
	assert_lacks data
}

test_refusals() { # short
	load busybox
	hoy run --name c busybox sh -c 'touch /home/.wh.etc'
	listing >"$T/before"
	run hoy commit c
	assert_err E-LAYER '.wh.etc'
	run hoy commit -c 'FROM x' c
	assert_err E-USAGE
	run hoy commit c 'Bad Name'
	assert_err E-REF
	run hoy commit nosuch
	assert_err E-CONTAINER-UNKNOWN
	listing >"$T/after"
	cmp "$T/before" "$T/after" || fail 'something was left behind'
	hoy create --name h @host true >/dev/null
	run hoy commit h
	assert_err E-HOST-ROOT
	clean
}

# The image went away meanwhile, and there never was one.
test_without_image() {
	load busybox
	hoy run --name c busybox sh -c 'echo 1 >/one'
	hoy rmi -f busybox >/dev/null 2>&1
	if hoy commit c again >/dev/null 2>&1; then
		run hoy run --rm again cat /one
		assert_out 1
	fi
	clean
}

run_tests "$@"
