#!/bin/bash
# hoy build at the command line: what its flags do, what it prints where, which codes it ends with.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# dockerfile LINE...: a context in c/ with this Dockerfile.
dockerfile() {
	mkdir -p "$T/c"
	printf '%s\n' "$@" >"$T/c/Dockerfile"
}

test_prints() { # short rows=user,root,one
	load busybox
	dockerfile 'FROM busybox AS a' 'RUN echo out; echo err >&2' 'ENV A=b' 'FROM a' 'COPY f /f' 'RUN cat /f'
	echo hi >"$T/c/f"
	run hoy build -t x -t y "$T/c"
	assert_ok
	local id=${out##*$'\n'}
	assert_has '[1/2] STEP 2/3: RUN echo out; echo err >&2'$'\n'
	assert_has $'\nout\n'
	assert_has $'\n[2/2] STEP 3/3: RUN cat /f\n'
	assert_has $'\nhi\n'
	assert_has $'\nCOMMIT x\n--> '"${id:0:12}"$'\nSuccessfully tagged localhost/x:latest\nSuccessfully tagged localhost/y:latest\n'"$id"
	assert_err_has err
	run hoy build -t x "$T/c"
	assert_ok
	assert_has $'STEP 3/3: RUN cat /f\n--> Using cache\nCOMMIT'
	assert_lacks $'\nhi\n'
	assert_quiet
	run hoy build -q "$T/c"
	assert_out "$id"
	assert_quiet
	run as_docker build "$T/c"
	assert_out ''
	assert_err_has '[1 2/3] COPY f /f'
	assert_err_has '#6 CACHED'
	run as_docker buildx build -q "$T/c"
	assert_out "sha256:$id"
	run hoy run --rm x cat /f
	assert_out hi
	run hoy build --iidfile "$T/id" --iidfile-raw "$T/raw" --metadata-file "$T/md" -q -t m "$T/c"
	assert_ok
	assert_eq "sha256:$id" "$(cat "$T/id")"
	assert_eq "$id" "$(cat "$T/raw")"
	assert_eq "sha256:$id localhost/m:latest" "$(python3 -c 'import json, sys; m = json.load(open(sys.argv[1])); print(m["containerimage.config.digest"], m["image.name"])' "$T/md")"
	run hoy build --logfile "$T/log" "$T/c"
	assert_ok
	assert_out ''
	assert_quiet
	assert_eq "$id" "$(tail -1 "$T/log")"
}

# The code of the command of RUN; what it said last, where it stands, and how to look at the state before it.
test_failure() { # short
	load busybox
	# shellcheck disable=SC2016
	dockerfile 'FROM busybox' 'RUN echo first >/state' 'RUN for i in $(seq 1 30); do echo "line $i"; done; exit 7' 'RUN true'
	run hoy build -q "$T/c"
	assert_rc 7
	assert_out ''
	assert_err_has $'\nline 11\n'
	assert_err_has $'line 30\n------\n'
	case $err in *'line 10'*) fail "more than 20 lines: $err" ;; esac
	assert_err_has ':3'
	assert_err_has '>    3 | RUN for i'
	assert_err_has 'E-BUILD-COMMAND'
	local cmd
	cmd=$(sed -n 's/.*the state before it: hoy run --rm -it //p' <<<"$err")
	run hoy run --rm "$cmd" cat /state
	assert_out first
	dockerfile 'FROM busybox' 'RUNN true'
	run hoy build "$T/c"
	assert_err E-DOCKERFILE
	assert_err_has ':2:1: unknown instruction "RUNN"'
	assert_err_has 'did you mean RUN?'
	run hoy build -f "$T/nothing" "$T/c"
	assert_err E-NO-DOCKERFILE
	dockerfile 'FROM busybox' 'RUN ["/nothing"]'
	run hoy build -q "$T/c"
	assert_rc 127
}

test_arguments() { # short
	load busybox
	# shellcheck disable=SC2016
	dockerfile 'FROM busybox' 'ARG ONE' 'ARG TWO=2' 'ARG THREE' 'RUN echo "$ONE $TWO $THREE" >/args' 'LABEL a=b'
	printf '# a comment\nTHREE=of file\n' >"$T/args"
	export ONE=env
	run hoy build -q -t x --build-arg ONE --build-arg NOTHING --build-arg-file "$T/args" --label l=1 --env E=e "$T/c"
	assert_ok
	run hoy run --rm x cat /args
	assert_out 'env 2 of file'
	run hoy inspect -f '{{.Config.Labels.l}} {{.Config.Labels.a}} {{.Config.Env}}' x
	assert_match '^1 b .*E=e'
	# shellcheck disable=SC2016
	dockerfile 'FROM busybox' 'RUN --mount=type=secret,id=s cat /run/secrets/s | wc -c; --mount=x true || true'
	for bad in '--secret id=s,src=/nothing' '--secret src=x' '--secret id=s,env=NOT_SET' '--secret id=s,what=x' '--ssh x=/nothing' \
		'--platform linux/amd64 --arch arm64' '--timestamp -1' '--source-date-epoch x' '--jobs -5' '--network a --network b' \
		'--annotation a' '--build-context x' '--allow x' '-f a -f b' '--output type=x' '--output type=local' \
		'--output type=docker,dest=x,compression=gzip' '--push' '--progress x'; do
		# shellcheck disable=SC2086
		run hoy build $bad "$T/c"
		[ "$rc" = 125 ] || fail "$bad: $(last)"
	done
	for absent in --provenance=true --sbom=true --all-platforms '--attest type=sbom' --compat-volumes '--userns auto' --created-annotation; do
		# shellcheck disable=SC2086
		run hoy build $absent "$T/c"
		assert_err E-ABSENT
	done
	dockerfile 'FROM scratch' 'LABEL a=b'
	run hoy build -q --provenance=false --sbom=false --attest type=sbom,disabled=true --isolation chroot --force-rm --rm --compress -D \
		--disable-content-trust --format docker --layer-label a=b "$T/c"
	assert_ok
	run hoy inspect -f '{{.ManifestType}}' "$out"
	assert_out application/vnd.docker.distribution.manifest.v2+json
}

# What --security-opt, --ulimit, --shm-size and others say holds in RUN.
test_run_flags() { # short
	load busybox
	# shellcheck disable=SC2016
	dockerfile 'FROM busybox' 'RUN { ulimit -n; df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2; grep -c 10.9.8.7 /etc/hosts; cat /data/in; grep CapBnd /proc/self/status | cut -f2; } >/seen'
	mkdir "$T/v"
	echo volume >"$T/v/in"
	run hoy build -q -t x --ulimit nofile=123:456 --shm-size 3m --add-host a.test:10.9.8.7 -v "$T/v:/data:ro" --cap-drop ALL --cap-add NET_RAW --network none "$T/c"
	assert_ok
	run hoy run --rm x cat /seen
	assert_out "123
3072
1
volume
0000000000002000"
}

# RUN has nothing to read, unless --stdin says so; what is too old is not taken from the cache.
test_stdin() { # short
	load busybox
	dockerfile 'FROM busybox' 'RUN cat >/in'
	echo typed | hoy build -q -t x "$T/c" >/dev/null || fail build
	run hoy run --rm x cat /in
	assert_out ''
	echo typed | hoy build -q -t x --no-cache --stdin "$T/c" >/dev/null || fail build
	run hoy run --rm x cat /in
	assert_out typed
	run hoy build --cache-ttl 1h "$T/c"
	assert_has 'Using cache'
	nap 2
	run hoy build --cache-ttl 1s "$T/c"
	assert_lacks 'Using cache'
}

test_dry() { # short
	load busybox
	dockerfile 'FROM busybox' 'COPY a b /d/' 'RUN cat /d/a >/all'
	echo 1 >"$T/c/a"
	echo 1 >"$T/c/b"
	run hoy build --dry-run "$T/c"
	assert_ok
	assert_has 'not cached'
	run hoy images -q
	local before=$out
	run hoy build -q "$T/c"
	assert_ok
	echo 2 >"$T/c/b"
	run hoy build --dry-run "$T/c"
	assert_ok
	assert_has $'COPY a b /d/\n--> not cached: b changed'
	assert_ne "$before" ''
	dockerfile 'FROM busybox' 'MAINTAINER me' 'RUN true'
	run hoy build --check "$T/c"
	assert_rc 1
	assert_has MaintainerDeprecated
	dockerfile 'FROM busybox' 'RUN true'
	run hoy build --call check "$T/c"
	assert_ok
}

run_tests "$@"
