#!/bin/bash
# Several images in one pull: at once, told in order, one failure alone, what they share once, and a signal ends all.
# others: rows=user
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=common.bash
. "$(dirname "$0")/common.bash"
# shellcheck source=../registry.bash
. "$(dirname "$0")/../registry.bash"

test_order_and_failures() { # short
	registry_start
	registry_push layers127 a/many:1
	registry_push busybox a/one:1
	registry_push stop a/two:1
	run timeout 120 $HOY pull "$REG/a/many:1" "$REG/a/none:1" "$REG/a/one:1" "$REG/a/two:1"
	assert_rc 125
	assert_out "$(for i in many one two; do hoy image inspect --format '{{.Id}}' "$REG/a/$i:1" | sed 's/sha256://'; done)"
	assert_err_has "$REG/a/none:1"
	assert_err_has E-REGISTRY-NO-IMAGE
	for i in many one two; do
		assert_err_has "Pulling $REG/a/$i:1"
		assert_err_has "Pulled $REG/a/$i:1"
	done
	# in order: the failure stands between the first and the third
	assert_eq 'many none one two' "$(sed -nE 's,^(Pulled|hoy: error:) [^ ]*/a/([a-z]*):1.*,\2,p' "$T/err" | tr '\n' ' ' | sed 's/ $//')" 'order'
	# again: nothing to do; quiet: the ids alone
	run timeout 120 $HOY pull -q "$REG/a/two:1" "$REG/a/one:1"
	assert_ok
	assert_quiet
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)"
	run hoy pull "$REG/a/two:1" Bad/Name "$REG/a/one:1"
	assert_rc 125
	assert_err_has 'Bad/Name'
	assert_eq 2 "$(printf '%s\n' "$out" | wc -l)" 'what is no name stops no other'
	run hoy pull --parallel 0 "$REG/a/two:1" "$REG/a/one:1"
	assert_err E-USAGE
	clean
}

# One blob in five images is fetched once, whoever comes first.
test_what_they_share_comes_once() { # rows=user,root,one
	local i names=()
	registry_start
	for i in 1 2 3 4 5; do
		registry_push busybox "s/app$i:1"
		names+=("$REG/s/app$i:1")
	done
	run timeout 120 $HOY pull --parallel 5 "${names[@]}"
	assert_ok
	assert_eq 1 "$(printf '%s\n' "$out" | sort -u | wc -l)" 'images'
	local layer
	layer=$(hoy manifest inspect "$REG/s/app1:1" 2>/dev/null | sed -n 's/.*"digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' | tail -1)
	[ -n "$layer" ] || fail 'no layer'
	assert_eq 1 "$(grep -c "GET /v2/s/app./blobs/$layer" "$REG_DIR/log")" "fetched: $(grep "$layer" "$REG_DIR/log")"
	clean
}

# No more at once than was said: with one, a pull begins when the one before has ended.
test_parallel_is_a_bound() {
	need strace
	registry_start
	registry_push busybox a/one:1
	registry_push stop a/two:1
	registry_push scratch a/three:1
	run timeout 120 strace -f -qq -e trace=none -o "$T/trace" $HOY pull --parallel 1 "$REG/a/one:1" "$REG/a/two:1" "$REG/a/three:1"
	assert_ok
	assert_eq "Pulling one Pulled one Pulling two Pulled two Pulling three Pulled three" "$(sed -nE 's,^(Pulling|Pulled) [^ ]*/a/([a-z]*):1.*,\1 \2,p' "$T/err" | tr '\n' ' ' | sed 's/ $//')"
}

# slow RATE: a registry behind something that lets so many bytes a second through.
slow() {
	mkdir -p "$T/relay"
	python3 -B "$(dirname "$0")/../tools/relay.py" "$T/relay" "$REG" --rate "$1" </dev/null 2>/dev/null &
	server $!
	VIA=$(registry_address "$T/relay/log")
}

test_a_signal_ends_all() {
	local pid
	registry_start
	registry_push busybox a/one:1
	registry_push tree a/two:1
	slow 50000
	$HOY pull "$VIA/a/one:1" "$VIA/a/two:1" >"$T/out" 2>"$T/err" &
	pid=$!
	wait_for test -e "$(store)/blobs/partial"
	kill -TERM $pid
	wait $pid
	assert_eq 143 $? status
	grep -q 'interrupted by' "$T/err" || fail "$(cat "$T/err")"
	clean
	assert_eq '' "$(hoy images -q)"
}

run_tests "$@"
