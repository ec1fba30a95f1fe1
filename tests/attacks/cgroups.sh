#!/bin/bash
# Where a container's cgroup is. What the container sees of cgroups: rootfs.sh.
. "$(dirname "$0")/../lib.sh"

# runc 1.1 and crun 1.21 were asked for a cgroup at a path with "..": crun made the directory on the host.
test_parent_never_leads_out() { # short
	local path
	for path in /../../..HOST/cg ../x a/../../b .. /.. a/.. ../x.slice ./../x; do
		run hoy create --cgroup-parent "$path" @empty x
		assert_err E-LIMIT-BAD
		assert_eq '' "$(hoy ps -aq)" "after $path"
	done
}

run_tests "$@"
