#!/bin/bash
# The manual pages: well formed, whole, and their examples do what they say.
#
# Every line of EXAMPLES is run by a shell, in order, page by page, and must succeed. The world that they speak of is made anew for each
# page: images busybox, alpine, debian and app (also app:old), with 3f57d9401f8d standing for app's id; containers web (a web server that runs,
# with ./site as /www), db (runs), both in the network bridge, job (has ended) and shell (not started), and the network back, unless the page makes one of that name itself; image.tar, rootfs.tar
# and rootfs.tar.gz, the directory tree; for the pages of `hoy oci` the bundle ./bundle and its container c1. podman, skopeo and ssh are small stand-ins. A comment above a line that begins with "Fails" says that the line fails.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# pages: the commands that have a page of their own.
pages() {
	hoy __man all "$HOME/man/man1" || fail '__man'
	grep -L '^\.so ' "$HOME"/man/man1/hoy-*.1
}

test_form() { # short
	local f s
	pages >"$T/pages"
	[ "$(wc -l <"$T/pages")" -gt 25 ] || fail 'pages are missing'
	while read -r f; do
		for s in NAME SYNOPSIS DESCRIPTION 'SEE ALSO' ENVIRONMENT FILES; do
			grep -q "^\.SH $s\$" "$f" || fail "$f has no $s"
		done
		grep -q '^\.SH COMMANDS$' "$f" && continue
		for s in 'EXIT STATUS' EXAMPLES; do
			grep -q "^\.SH $s\$" "$f" || fail "$f has no $s"
		done
	done <"$T/pages"
	# what a page refers to is there
	sed -nE 's/^\.BR (hoy[^ ]*) \(1\).*/\1/p' "$HOME"/man/man1/*.1 | sed 's/\\-/-/g' | sort -u >"$T/refs"
	while read -r f; do
		[ -f "$HOME/man/man1/$f.1" ] || fail "a page refers to $f(1), which does not exist"
	done <"$T/refs"
}

test_lint() {
	local f
	pages >"$T/pages"
	echo "$HOME/man/man1/hoy.1" >>"$T/pages"
	command -v mandoc >/dev/null || command -v groff >/dev/null || skip 'needs mandoc or groff'
	cd "$HOME/man" || fail cd
	while read -r f; do
		if command -v mandoc >/dev/null; then
			run mandoc -T lint -W warning "$f"
			[ -z "$out$err" ] || fail "mandoc: $out$err"
		fi
		if command -v groff >/dev/null; then
			run groff -man -ww -z -Tutf8 "$f"
			[ -z "$out$err" ] || fail "groff: $out$err"
		fi
	done <"$T/pages"
}

# No line of help is wider than a terminal.
test_width() { # short
	local f c
	pages >"$T/pages"
	run hoy --help
	[ "$(wc -L <"$T/out")" -le 100 ] || fail "hoy --help: $(wc -L <"$T/out") columns"
	while read -r f; do
		c=$(sed -nE 's/^\.B hoy (([a-z]+ ?){1,2}).*/\1/p' "$f" | head -1)
		# shellcheck disable=SC2086
		run hoy help $c
		[ "$rc" = 0 ] || fail "help $c"
		[ "$(wc -L <"$T/out")" -le 100 ] || fail "hoy help $c: $(wc -L <"$T/out") columns"
	done <"$T/pages"
}

# stand_ins: what examples use beside hoy, without a network.
stand_ins() {
	mkdir -p "$HOME/bin" "$HOME/.config/fish/completions" "$HOME/site"
	ln -sf "$(command -v "${HOY%% *}")" "$HOME/bin/hoy"
	printf '#!/bin/sh\nexec cat "%s/image.tar"\n' "$HOME" >"$HOME/bin/podman"
	cp "$HOME/bin/podman" "$HOME/bin/skopeo"
	printf '#!/bin/sh\nshift\nexec "$@"\n' >"$HOME/bin/ssh"
	chmod +x "$HOME/bin/podman" "$HOME/bin/skopeo" "$HOME/bin/ssh"
	PATH=$HOME/bin:$PATH
	echo hello >"$HOME/site/index.html"
	cp "$T_FIX/busybox.tar" "$HOME/image.tar"
	echo hello >"$HOME/file"
	echo secret >"$HOME/key.pem"
	printf 'ARG VERSION=1\nFROM busybox AS test\nARG VERSION\nRUN echo "$VERSION" >/version\n' >"$HOME/Dockerfile"
	cp -r "$HOME/site" "$HOME/tree"
	tar -C "$HOME" -cf "$HOME/rootfs.tar" site
	gzip -k "$HOME/rootfs.tar"
}

# oci_world PAGE: a bundle, ./bundle, and its container c1, in the state that the page wants.
oci_world() {
	export XDG_RUNTIME_DIR=$HOME/run
	mkdir -p "$XDG_RUNTIME_DIR"
	hoy oci delete -f c1
	rm -rf bundle
	mkdir -p bundle/rootfs/{bin,proc,sys,dev,etc}
	case $1 in */hoy-oci-spec.1) return ;; esac
	cp "$(command -v busybox)" bundle/rootfs/bin/busybox
	for n in sh id sleep; do ln -s busybox bundle/rootfs/bin/$n; done
	hoy oci spec --rootless --bundle bundle || fail spec
	jq '.process.terminal = false | .process.args = ["sleep", "1000"]' bundle/config.json >c.json && mv c.json bundle/config.json
	case $1 in
	*/hoy-oci-run.1) jq '.process.args = ["id"]' bundle/config.json >c.json && mv c.json bundle/config.json ;;
	*/hoy-oci-create.1) ;;
	*/hoy-oci-start.1) hoy oci create --bundle bundle c1 || fail 'oci create' ;;
	*) hoy oci run -d --bundle bundle c1 || fail 'oci run' ;;
	esac
}

# world PAGE: images, containers and the network back, as the head says.
world() {
	local n
	case $1 in */hoy-oci-*.1) oci_world "$1" && return ;; esac
	[ -z "$(hoy ps -aq)" ] || hoy rm -af -t 0 >/dev/null || fail 'rm -a'
	load busybox cfg-env
	for n in alpine debian; do hoy tag busybox localhost/$n:latest || fail tag; done
	hoy tag cfg-env app || fail tag
	hoy tag cfg-env app:old || fail tag
	hoy untag cfg-env localhost/cfg-env:latest || fail untag
	case $1 in */hoy-rmi.1) return ;; esac # images that containers use stay
	made() { grep -q -- "--name $1 " "$T/lines"; }
	hoy network prune -f >/dev/null || fail 'network prune'
	grep -q 'network create.* back$' "$T/lines" || hoy network create back >/dev/null || fail 'network create'
	made web || hoy run -d --init --health-cmd true --network bridge --name web -v "$HOME/site:/www" busybox httpd -f -h /www >/dev/null || fail 'run web'
	made web || hoy exec web mkdir -p /srv /var/log || fail 'exec web'
	hoy run -d --init --network bridge --name db busybox sleep 1000 >/dev/null || fail 'run db'
	made job || hoy run --name job busybox true || fail 'run job'
	! grep -q 'volume mount data' "$T/lines" || hoy volume exists data || hoy volume create data >/dev/null || fail 'volume create'
	made shell || hoy create -it --name shell busybox sh >/dev/null || fail 'create shell'
}

# examples PAGE: its lines, as they were before they became roff.
examples() {
	sed -n '/^\.SH EXAMPLES$/,/^\.fi$/p' "$1" | sed '1,2d;$d' |
		sed 's/\\(aq/'\''/g; s/\\(ga/`/g; s/\\(ha/^/g; s/\\(ti/~/g; s/\\-/-/g; s/\\e/\\/g; s/^\\&//'
}

# What needs a person at a terminal gets what ends it; what goes on for ever, a moment.
run_example() {
	local line=$1
	case $line in
	*'logs -f'* | *' attach '*)
		run timeout -s KILL 1 bash -c "exec $line"
		[ "$rc" != 137 ] || rc=0
		;;
	*' -it '* | *' -ai '*) run timeout 20 "$T_TOOLS/ptyrun" 'send=exit\r' eof -- bash -c "$line" ;;
	*'container prune' | *'image prune' | *'network prune' | *'system prune' | *'system reset') run bash -c "echo y | $line" ;;
	*) run timeout 60 bash -c "$line" ;;
	esac
}

# Lines that a test cannot run, and why.
not_here() {
	case $1 in
	*' pull '* | *' login '* | *' logout '* | *' push '* | *' search '*) true ;; # a registry
	*' ghcr.io/'* | *' quay.io/'* | *' docker.io/'* | *'https://'*) true ;;	       # the network
	'hoy update '* | *'hoy oci update '* | 'hoy oci pause '* | 'hoy oci resume '*) ! hoy info | grep -q 'Delegated Controllers:.*memory' ;; # a cgroup in which limits hold
	*) false ;;
	esac
}

test_examples() { # rows=user
	local f line fails id n=0
	stand_ins
	cd "$HOME" || fail cd
	pages >"$T/pages"
	while read -r f; do
		examples "$f" >"$T/lines"
		[ -s "$T/lines" ] || continue
		world "$f"
		id=$(hoy images -q app | head -1) fails=''
		while IFS= read -r line <&3; do
			case $line in
			'# Fails'*) fails=1 && continue ;;
			'#'*) continue ;;
			esac
			not_here "$line" && continue
			run_example "${line//3f57d9401f8d/$id}"
			[ "${fails:+$rc}" != 0 ] || echo "${f##*/}: this example does not fail: $line" >>"$T/bad"
			[ -n "$fails" ] || [ "$rc" = 0 ] || echo "${f##*/}: $line: status $rc, $(head -c 300 "$T/err")" >>"$T/bad"
			fails='' n=$((n + 1))
		done 3<"$T/lines"
	done <"$T/pages"
	XDG_RUNTIME_DIR=$HOME/run hoy oci delete -f c1
	[ ! -s "$T/bad" ] || fail "$(cat "$T/bad")"
	[ $n -gt 50 ] || fail "only $n examples were run"
}

run_tests "$@"
