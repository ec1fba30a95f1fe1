#!/bin/bash
# scripts/quickstart and scripts/packages.sh: what they would do on other machines, told by made-up os-release files. Nothing is changed.
. "$(dirname "$0")/../lib.sh"
TOP=$(readlink -f "$(dirname "$0")/../..")

# on ID [ID_LIKE]: an os-release file of that distribution.
on() {
	printf 'NAME="Some Linux"\nVERSION_ID="1"\nID=%s\nID_LIKE="%s"\n' "$1" "${2:-}" >"$T/os-release"
	export OS_RELEASE=$T/os-release
}

family() { bash -c '. "$1/scripts/packages.sh"; os_family' - "$TOP"; }

test_families() { # short
	while read -r id like want; do
		on "$id" "$like"
		assert_eq "$want" "$(family)" "family of $id"
	done <<-'E'
		debian - debian
		ubuntu debian ubuntu
		"ubuntu" debian ubuntu
		fedora - fedora
		arch - arch
		linuxmint ubuntu ubuntu
		rocky rhel fedora
		manjaro arch arch
		raspbian debian debian
		plan9 - unknown
	E
	on something 'mystery debian'
	assert_eq debian "$(family)" 'by ID_LIKE'
	export OS_RELEASE=$T/none
	assert_eq unknown "$(family)" 'no os-release'
}

test_every_set_has_packages() {
	local f s
	for f in debian ubuntu fedora arch; do
		for s in run build test peers; do
			run bash -c '. "$1/scripts/packages.sh"; packages_for $2 $3' - "$TOP" $f $s
			assert_ok
			assert_ne '' "${out// /}" "packages of $f $s"
		done
	done
	run bash -c '. "$1/scripts/packages.sh"; packages_for debian nonsense' - "$TOP"
	assert_eq '' "${out// /}" 'an unknown set'
}

test_dry_run_on_fedora() {
	command -v rpm >/dev/null && skip 'this machine has rpm'
	on fedora
	run "$TOP/scripts/quickstart" --dry-run
	assert_ok
	assert_has 'dnf -q -y --setopt=install_weak_deps=False install'
	assert_has 'yajl-devel'
	assert_has 'shadow-utils'
	assert_has 'meson setup'
	assert_has '/usr/local/bin/hoy run --rm hello'
	assert_lacks 'apt-get'
}

test_dry_run_on_arch() {
	command -v pacman >/dev/null && skip 'this machine has pacman'
	on arch
	run "$TOP/scripts/quickstart" --dry-run --prefix /opt/hoy
	assert_ok
	assert_has 'pacman -Sy --needed --noconfirm'
	assert_has '/opt/hoy/bin/hoy run --rm hello'
}

test_dry_run_changes_nothing() {
	on arch
	find "$TOP/scripts" "$TOP/tests" /etc/subuid /etc/subgid -newer "$T/os-release" -type f 2>/dev/null | sort >"$T/b"
	run "$TOP/scripts/quickstart" --dry-run
	assert_ok
	find "$TOP/scripts" "$TOP/tests" /etc/subuid /etc/subgid -newer "$T/os-release" -type f 2>/dev/null | sort >"$T/a"
	assert_bytes "$T/b" "$T/a"
}

test_apparmor_profile() { # rows=user,one
	on ubuntu debian
	echo 1 >"$T/restricted"
	run env APPARMOR_SYSCTL="$T/restricted" "$TOP/scripts/quickstart" --dry-run --prefix "$T/p"
	assert_ok
	assert_has "profile hoy \"$T/p/bin/hoy\" flags=(unconfined)"
	assert_has 'userns,'
	assert_has 'apparmor_parser -r /etc/apparmor.d/hoy'
	echo 0 >"$T/restricted"
	run env APPARMOR_SYSCTL="$T/restricted" "$TOP/scripts/quickstart" --dry-run
	assert_lacks apparmor
}

test_no_install_runs_from_the_build() {
	on debian
	run env BUILD="$T/b2" "$TOP/scripts/quickstart" --dry-run --no-install
	assert_ok
	assert_has "$T/b2/src/hoy run --rm hello"
	assert_lacks 'meson install'
}

test_bad_arguments() {
	run "$TOP/scripts/quickstart" --nonsense
	assert_rc 2
	assert_err_has '--nonsense'
	on plan9
	run "$TOP/scripts/quickstart" --dry-run
	assert_rc 1
	assert_err_has 'not known to quickstart'
}

test_shellcheck() { # rows=user
	need shellcheck
	cd "$TOP" || fail "no $TOP"
	run shellcheck -x scripts/bench scripts/check scripts/packages.sh scripts/quickstart scripts/test tests/runner tests/lib.sh tests/fixtures/make
	assert_ok
}

run_tests "$@"
