#!/bin/bash
# Secrets: kept in the store, given to containers, and nowhere else to be seen.
. "$(dirname "$0")/../lib.sh"

secret() { printf %s "$2" | hoy secret create "$1" - >/dev/null || fail "secret create $1"; }

# Where there are none yet, a secret is unknown and nothing worse.
test_none_yet() { # short
	run hoy secret exists x
	assert_rc 1
	run hoy secret inspect x
	assert_rc 125
	assert_err_has E-SECRET-UNKNOWN
	run hoy secret rm x
	assert_err_has 'no secret'
	run hoy secret rm --ignore x
	assert_ok
}

test_create_list_remove() { # peer_ok short
	run hoy secret ls -q
	assert_out ''
	printf %s value >"$T/f"
	run hoy secret create one "$T/f"
	assert_ok
	assert_match '^[0-9a-f]{25}$'
	local id=$out
	secret two x
	run hoy secret ls --format '{{.ID}} {{.Name}} {{.Driver}}'
	assert_has "$id one file"
	assert_has ' two file'
	run hoy secret inspect one --format '{{.ID}} {{.Spec.Name}} {{.Spec.Driver.Name}}'
	assert_out "$id one file"
	run hoy secret inspect one
	assert_lacks value
	run hoy secret inspect --showsecret one --format '{{.SecretData}}'
	assert_out value
	run hoy secret exists one
	assert_ok
	run hoy secret exists none
	assert_rc 1
	run hoy secret rm one
	assert_out "$id"
	run hoy secret rm --all
	assert_ok
	run hoy secret ls -q
	assert_out ''
}

test_create_in_all_ways() {
	run hoy secret create -l a=b -l c=d one - <<<data
	assert_ok
	VARIABLE='from the environment' run hoy secret create --env two VARIABLE
	assert_ok
	run hoy secret inspect --showsecret -f '{{.Spec.Name}}={{.SecretData}}' one two
	assert_out $'one=data\n\ntwo=from the environment'
	run hoy secret ls -q --filter label=a=b
	assert_eq 1 "$(wc -l <"$T/out")" 'secrets with the label'
	run hoy secret create one - <<<new
	assert_err E-SECRET-EXISTS
	run hoy secret create --ignore one - <<<new
	assert_out "$(hoy secret inspect -f '{{.ID}}' one)"
	run hoy secret inspect --showsecret -f '{{.SecretData}}' one
	assert_has data
	run hoy secret create --replace one - <<<new
	assert_ok
	run hoy secret inspect --showsecret -f '{{.SecretData}}' one
	assert_has new
	assert_eq 600 "$(stat -c %a "$(store)/secrets/one")" mode
}

test_refusals() { # short
	for name in '' ../x a/b .x -x "$(printf 'a\nb')" "$(printf 'x%.0s' {1..300})"; do
		run hoy secret create -- "$name" - <<<x
		[ "$rc" = 125 ] || fail "the name '$name' was taken: $(last)"
	done
	run hoy secret create empty - </dev/null
	assert_err E-USAGE
	run hoy secret create large - < <(head -c 512001 /dev/zero)
	assert_err E-USAGE
	head -c 512000 /dev/zero | hoy secret create full - >/dev/null || fail 'the largest one'
	run hoy secret create -d pass x - <<<x
	assert_err E-USAGE
	run hoy secret create --env x NO_SUCH_VARIABLE
	assert_err E-USAGE
	run hoy secret rm nosuch
	assert_err E-SECRET-UNKNOWN
	run hoy secret inspect ful
	assert_rc 125
	assert_err_has E-SECRET-UNKNOWN
	assert_err_has 'did you mean full?'
	echo nonsense >"$(store)/secrets/full"
	run hoy secret ls
	assert_err_has damaged
	run hoy secret rm full
	assert_ok
}

test_as_files() { # peer_ok short
	load busybox
	secret pw hunter2
	run hoy run --rm --network none --secret pw --secret pw,target=other,mode=0400 --secret pw,target=/etc/key busybox \
		sh -c 'cat /run/secrets/pw /run/secrets/other /etc/key; stat -c %u:%g:%a /run/secrets/pw /run/secrets/other'
	assert_ok
	assert_out $'hunter2hunter2hunter20:0:444\n0:0:400'
}

test_owners() { # rows=user,root
	load busybox
	secret pw hunter2
	run hoy run --rm --network none -u 1000 --secret pw,uid=1000,gid=1001,mode=0440 busybox sh -c 'cat /run/secrets/pw; stat -c %u:%g:%a /run/secrets/pw'
	assert_out 'hunter21000:1001:440'
}

test_files_cannot_be_written() {
	load busybox
	secret pw hunter2
	in_busybox --secret pw -- sh -c 'echo x >/run/secrets/pw'
	assert_rc 1
	in_busybox --secret pw -- sh -c 'rm -f /run/secrets/pw; cat /run/secrets/pw'
	assert_out hunter2
}

test_as_variables() { # peer_ok
	load busybox
	secret pw hunter2
	run hoy run --rm --network none --secret pw,type=env --secret pw,type=env,target=DB_PASSWORD busybox sh -c 'echo $pw $DB_PASSWORD'
	assert_out 'hunter2 hunter2'
	hoy run -d --name c --network none --secret pw,type=env,target=PW busybox sleep 1000 >/dev/null || fail run
	run hoy inspect c
	assert_lacks hunter2
	hoy rm -f -t 0 c >/dev/null
}

test_exec_has_the_variable() {
	load busybox
	secret pw hunter2
	hoy run -d --name c --network none --secret pw,type=env,target=PW busybox sleep 1000 >/dev/null || fail run
	run hoy exec c sh -c 'echo $PW'
	assert_out hunter2
	hoy rm -f -t 0 c >/dev/null
}

test_a_container_keeps_its_copy() { # peer_ok
	load busybox
	secret pw hunter2
	hoy create --name c --network none --secret pw busybox cat /run/secrets/pw >/dev/null || fail create
	hoy secret rm pw >/dev/null
	run hoy start -a c
	assert_out hunter2
	run hoy start -a c
	assert_out hunter2
	hoy rm c >/dev/null
}

test_nowhere_else() {
	load busybox
	secret pw hunter2-not-to-be-found
	hoy run --name c --network none --secret pw --secret pw,type=env,target=PW busybox sh -c 'echo x >/f' || fail run
	run hoy inspect c
	assert_lacks not-to-be-found
	assert_has '"Secrets"'
	run hoy commit -q c image
	assert_ok
	hoy save -o "$T/image.tar" image || fail save
	hoy export -o "$T/c.tar" c || fail export
	if grep -aq not-to-be-found "$T/image.tar" "$T/c.tar"; then fail 'it is in an archive'; fi
	run hoy image inspect image
	assert_lacks not-to-be-found
	assert_eq "$(store)/containers/$(hoy inspect -f '{{.Id}}' c)/secrets/0 $(store)/containers/$(hoy inspect -f '{{.Id}}' c)/secrets/1 $(store)/secrets/pw" \
		"$(grep -rl not-to-be-found "$(store)" 2>/dev/null | sort | tr '\n' ' ' | sed 's/ $//')" 'where it lies'
	[ -z "$(find "$(store)" -path '*/secrets/*' -perm /077)" ] || fail 'others may read it'
	hoy rm c >/dev/null
	hoy rmi image >/dev/null
	run hoy system check
	assert_ok
}

test_bad_options() { # short
	load busybox
	secret pw hunter2
	for o in nosuch pw,type=x pw,uid=x pw,mode=9 pw,mode=01777 pw,target= pw,target=/ pw,target=../x pw,type=env,uid=1 pw,x=y pw,uid; do
		run hoy create --network none --secret "$o" busybox
		[ "$rc" = 125 ] || fail "--secret $o was taken: $(last)"
	done
	run hoy create --network none --secret pw --secret pw busybox
	assert_err E-USAGE
	run hoy ps -aq
	assert_out ''
}

test_hostile_root() { # rows=user
	load busybox
	mkdir -p "$T/host"
	secret pw hunter2
	hoy run --name base --network none busybox sh -c 'rm -rf /run; ln -s /../../../../'"$T"'/host /run; mkdir -p /etc/x; ln -s /proc/self /etc/x/p' || fail run
	hoy commit -q base hostile >/dev/null || fail commit
	run hoy run --rm --network none --secret pw hostile true
	[ -z "$(ls "$T/host")" ] || fail 'something was made on the host'
	run hoy run --rm --network none --secret pw,target=/etc/x/p/mem hostile true
	assert_ne 0 "$rc" status
	hoy rm base >/dev/null
}

test_unknown_where_there_has_never_been_one() {
	run hoy secret inspect nothing
	assert_has '[]'
	assert_err_has 'no secret with name or ID "nothing" (E-SECRET-UNKNOWN)'
	load busybox
	run hoy create --secret nothing busybox
	assert_err E-SECRET-UNKNOWN 'secret ls'
}

# Killed while a secret is written: what there is of it is no secret, and goes with the next command that writes.
test_unfinished_goes_away() {
	secret one x
	echo half >"$(store)/secrets/.new"
	run hoy secret ls --format '{{.Name}}'
	assert_out one
	run hoy system check
	assert_ok
	secret two y
	[ ! -e "$(store)/secrets/.new" ] || fail 'create left it'
	echo half >"$(store)/secrets/.new"
	run hoy secret rm two
	assert_ok
	assert_eq one "$(ls -A "$(store)/secrets")" 'files of secrets'
}

run_tests "$@"
