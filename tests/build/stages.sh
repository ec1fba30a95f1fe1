#!/bin/bash
# Stages: which of them are built, at once where they can be; their variables, bases and triggers; what a step depends on.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# dockerfile: standard input is the Dockerfile in a context of its own, $T/ctx.
dockerfile() {
	mkdir -p "$T/ctx"
	cat >"$T/ctx/Dockerfile"
}
build() { run hoy build --progress plain "$@" "$T/ctx"; }
# file IMAGE PATH: a file of an image.
file() { hoy run --rm --network none "$1" cat "$2"; }

test_only_what_is_needed() { # short
	load busybox
	dockerfile <<-'E'
		FROM busybox AS used
		RUN echo u >/u
		FROM busybox AS unused
		RUN exit 9
		FROM nosuch.example/image AS never
		FROM busybox
		COPY --from=used /u /u
		FROM used AS other
		RUN echo o >/o
	E
	build -t img --target 3
	assert_ok
	run file img /u
	assert_out u
	build -t img
	assert_ok
	run file img /o
	assert_out o
	build --target unuse
	assert_err E-DOCKERFILE 'no stage "unuse"'
	assert_err_has 'did you mean unused'
	build --target unused
	assert_rc 9
	assert_err_has E-BUILD-COMMAND
	sed -i /never/d "$T/ctx/Dockerfile"
	build --skip-unused-stages=false
	assert_rc 9
}

# Each of two stages waits for what the other one does: they only end if they run at once.
test_at_once() {
	load busybox
	dockerfile <<-'E'
		FROM busybox AS one
		RUN --mount=type=cache,id=meet,target=/m touch /m/one; for i in $(seq 300); do test -e /m/two && exit 0; usleep 100000; done; exit 1
		FROM busybox AS two
		RUN --mount=type=cache,id=meet,target=/m touch /m/two; for i in $(seq 300); do test -e /m/one && exit 0; usleep 100000; done; exit 1
		FROM scratch
		COPY --from=one /etc/passwd /1
		COPY --from=two /etc/passwd /2
	E
	build --jobs 2
	assert_ok
}

test_variables() {
	load busybox
	dockerfile <<-'E'
		ARG BASE=nothing V=global
		FROM ${BASE:-x} AS a
		ARG V
		ARG W=w-$V
		ENV E=$W V=env
		RUN echo "$V $W $E" >/r
		FROM busybox
		ARG TARGETARCH
		ARG X
		RUN echo "${V-none} $TARGETARCH ${X-none} ${HTTP_PROXY-none}" >/r
		COPY --from=a /r /a
	E
	build -t img --build-arg BASE=busybox --build-arg X=given --build-arg HTTP_PROXY=http://p --build-arg UNUSED=1
	assert_ok
	assert_err_has '--build-arg UNUSED'
	run file img /a
	assert_out 'env w-global w-global'
	case $(file img /r) in
	"none "*" given http://p") ;;
	*) fail "$(file img /r)" ;;
	esac
	# What nobody needs to know later is in no history.
	run hoy history --no-trunc img
	assert_lacks 'given'
}

test_triggers() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		LABEL a=1
		ONBUILD ARG NAME=you
		ONBUILD COPY f /f
		ONBUILD RUN echo "hello $NAME" >/g
	E
	build -t base
	assert_ok
	echo data >"$T/ctx/f"
	echo 'FROM base' >"$T/ctx/Dockerfile"
	build -t img --build-arg NAME=me
	assert_ok
	run file img /f
	assert_out data
	run file img /g
	assert_out 'hello me'
	run hoy image inspect -f '{{.Config.Labels.a}}' img
	assert_out 1
	rm "$T/ctx/f"
	build
	assert_rc 125
	assert_err_has E-COPY-SOURCE
	assert_err_has 'Dockerfile:1: ONBUILD of base'
}

# What changes is told, and what does not change is not done again.
test_what_changed() { # short
	load busybox
	dockerfile <<-'E'
		FROM busybox
		ARG V=1
		COPY src /src
		RUN echo "$V" >/v
		LABEL x=1
		RUN date >/d
	E
	mkdir "$T/ctx/src"
	echo a >"$T/ctx/src/a.c"
	echo b >"$T/ctx/src/b.c"
	build
	assert_ok
	build --dry-run
	assert_lacks 'not cached'
	touch "$T/ctx/src/a.c"
	sed -i s/x=1/x=2/ "$T/ctx/Dockerfile"
	build --dry-run
	assert_lacks 'not cached'
	echo c >"$T/ctx/src/b.c"
	build --dry-run
	assert_has 'src/b.c changed'
	echo b >"$T/ctx/src/b.c"
	echo n >"$T/ctx/src/new"
	build --dry-run
	assert_has 'src/new is new'
	rm "$T/ctx/src/new"
	build --dry-run --build-arg V=2
	assert_has 'the variable V changed'
	sed -i s,date,ls, "$T/ctx/Dockerfile"
	build --dry-run
	assert_has 'the instruction changed'
	assert_eq 1 "$(grep -c 'not cached' "$T/err" "$T/out" | awk -F: '{n += $2} END {print n}')" 'steps that would work'
	build --dry-run --no-cache
	assert_has 'no-cache'
	# Files that come out the same change nothing for those behind them.
	dockerfile <<-'E'
		FROM busybox
		RUN echo 1 >/n
		RUN echo last >/l
	E
	build
	sed -i 's,echo 1,expr 2 - 1,' "$T/ctx/Dockerfile"
	build
	assert_ok
	assert_has 'Using cache'
}

test_other_platform() {
	load busybox
	dockerfile <<-'E'
		FROM busybox
		RUN true
	E
	build --platform linux/s390x
	assert_rc 125
	assert_err_has E-PLATFORM
	assert_err_has 'busybox is here for linux/'
}

test_circle() {
	dockerfile <<-'E'
		FROM scratch AS a
		COPY --from=b /x /x
		FROM scratch AS b
		COPY --from=a /x /x
	E
	build --target a
	# b stands behind a: here it is the name of an image.
	assert_rc 125
}

run_tests "$@"
