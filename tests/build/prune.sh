#!/bin/bash
# What the build cache takes, and making it smaller.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

context() {
	mkdir -p "$T/c"
	printf '%s\n' 'FROM busybox' 'RUN dd if=/dev/zero of=/one bs=1k count=300 2>/dev/null' 'RUN echo two >/two' >"$T/c/Dockerfile"
}

records() { ls_count "$(store)/build/cache"; }

test_prune() { # short rows=user,root,one
	load busybox
	context
	run hoy build -q -t x "$T/c"
	assert_ok
	assert_eq 2 "$(records)"
	run hoy builder du --format '{{.Reclaimable}} {{.Description}}'
	assert_has 'false RUN dd'
	run hoy builder prune -f
	assert_ok
	assert_eq 2 "$(records)" 'an image has them'
	run hoy system df --format '{{.Type}} {{.Total}} {{.Reclaimable}}'
	assert_match 'Build Cache 2 0B'
	hoy rmi x >/dev/null || fail rmi
	run hoy system df --format '{{.Type}} {{.Total}} {{.Size}}'
	assert_match 'Build Cache 2 3[0-9][0-9]'
	run hoy system check
	assert_ok
	run hoy build -q -t x "$T/c"
	assert_ok
	hoy rmi x >/dev/null || fail rmi
	run hoy builder prune --dry-run
	assert_match 'RUN dd.*RUN echo two.*Total:'
	assert_eq 2 "$(records)"
	run hoy builder prune -f --filter until=1h
	assert_eq 2 "$(records)"
	run hoy builder prune -f --filter description=two
	assert_eq 1 "$(records)"
	run as_docker buildx prune -f --reserved-space 1g
	assert_eq 1 "$(records)"
	run as_docker builder prune -f --max-used-space 10k
	assert_eq 0 "$(records)"
	run hoy system check
	assert_has 'clean: 1 images, 1 names, 1 layers'
	run hoy builder prune -f --filter colour=red
	assert_err E-USAGE
}

test_others() { # short
	load busybox
	context
	run hoy build -q -t x "$T/c"
	run hoy build -q -t y --label a=b "$T/c"
	run hoy image prune -f --build-cache
	assert_ok
	assert_eq 2 "$(records)"
	run hoy image prune -a -f --build-cache
	assert_ok
	assert_eq 0 "$(records)"
	load busybox
	run hoy build -q "$T/c"
	run hoy system prune -f
	assert_eq 2 "$(records)"
	run as_docker system prune -f
	assert_has 'Deleted build cache objects:'
	assert_eq 0 "$(records)"
	run hoy build -q "$T/c"
	run hoy system reset -f
	assert_ok
	[ ! -e "$(store)/build" ] || fail 'build/ is left'
}

# The limits of hoy.conf hold after each build.
test_limits() { # short
	load busybox
	context
	mkdir -p "$HOME/.config/hoy"
	printf '[build]\ncache-size = "100k"\n' >"$HOME/.config/hoy/hoy.conf"
	run hoy build -q -o "$T/o" "$T/c"
	assert_ok
	assert_eq 1 "$(records)" 'the small one is left'
	printf '[build]\ncache-size = 7.5\n' >"$HOME/.config/hoy/hoy.conf"
	run hoy build -q "$T/c"
	assert_err E-CONF
}

run_tests "$@"
