#!/bin/bash
# Builds: what a Dockerfile and its steps may not get at, and what no Dockerfile may cost.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# CVE-2021-3602: the environment of whoever builds is none of a step's business, nor of the image's.
test_environment_of_the_caller() { # rows=user,one,root
	load busybox
	mkdir "$T/c"
	printf 'FROM busybox\nRUN env >/env; cat /proc/*/environ >/all 2>/dev/null; true\n' >"$T/c/Dockerfile"
	export CANARY_VALUE=sand-in-the-gears
	run hoy build -q --network none --no-cache -t steps "$T/c"
	assert_ok
	run hoy run --rm --network none steps cat /env /all
	assert_ok
	assert_lacks CANARY
	assert_lacks sand-in-the-gears
	run hoy inspect steps
	assert_lacks sand-in-the-gears
}

# Neither a secret nor the value of a build argument can be found in what an image is made of, nor in what the store keeps of the build.
test_secrets_are_nowhere() { # rows=user,one,root
	load busybox
	mkdir "$T/c"
	printf 'hush-%s-hush\n' 4711 >"$T/token"
	cat >"$T/c/Dockerfile" <<-'END'
		FROM busybox
		ARG WORD
		RUN --mount=type=secret,id=tok grep -q '^hush-47..-hush' /run/secrets/tok && echo "$WORD" | grep -q '^open-47..-sesame' 
		RUN --mount=type=secret,id=tok,env=TOK test "${#TOK}" -gt 10
	END
	run hoy build --progress plain --network none --secret "id=tok,src=$T/token" --build-arg WORD=open-4712-sesame -t quiet "$T/c"
	assert_ok
	assert_lacks hush-4711
	run hoy save --format oci-dir -o "$T/saved" quiet
	assert_ok
	run grep -rla 'hush-4711-hush' "$T/saved" "$(store)"
	assert_out ''
	run grep -rla 'open-4712-sesame' "$T/saved"
	assert_out ''
}

# What takes others for ever, or all memory, is refused at once or read in one pass.
test_endless_dockerfiles() {
	mkdir "$T/c"
	# a line of a gigabyte, without a byte on disk
	printf 'FROM scratch\nLABEL a=' >"$T/c/Dockerfile"
	truncate -s 1G "$T/c/Dockerfile"
	run hoy build --check "$T/c"
	assert_rc 125
	assert_err_has 'larger than 16 MiB'
	awk 'BEGIN { print "FROM scratch"; printf "LABEL a="; for (i = 0; i < 1100000; i++) printf "x" }' >"$T/c/Dockerfile"
	run hoy build --check "$T/c"
	assert_rc 125
	assert_err_has '1024 KiB'
	# stages upon stages
	awk 'BEGIN { print "FROM scratch AS s0"; for (i = 1; i < 10000; i++) printf "FROM s%d AS s%d\n", i - 1, i }' >"$T/c/Dockerfile"
	run hoy build --check "$T/c"
	assert_ok
	# one in the other
	awk 'BEGIN { print "FROM scratch"; printf "ENV a="; for (i = 0; i < 10000; i++) printf "${b:-"; print "" }' >"$T/c/Dockerfile"
	run hoy build "$T/c"
	assert_rc 125
	assert_err_has 'within each other'
	awk 'BEGIN { print "FROM scratch"; for (i = 0; i < 10000; i++) printf "ONBUILD "; print "RUN x" }' >"$T/c/Dockerfile"
	run hoy build --check "$T/c"
	assert_rc 125
	assert_err_has 'cannot follow ONBUILD'
	# patterns that are tried again and again elsewhere
	awk 'BEGIN { printf "FROM scratch\nENV v="; for (i = 0; i < 30000; i++) printf "a"; printf "\nENV w=${v##"; for (i = 0; i < 300; i++) printf "*a"; print "b}" }' >"$T/c/Dockerfile"
	run hoy build "$T/c"
	assert_rc 125
	assert_err_has 'too long for each other'
	printf 'FROM scratch\nCOPY . /\n' >"$T/c/Dockerfile"
	awk 'BEGIN { for (i = 0; i < 60; i++) printf "**/*a*"; print "b" }' >"$T/c/.dockerignore"
	: >"$T/c/$(printf '%0200d' 0 | tr 0 a)"
	run hoy build -q "$T/c"
	assert_ok
}

run_tests "$@"
