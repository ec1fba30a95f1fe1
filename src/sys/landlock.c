#include <linux/landlock.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "sys/landlock.h"

/* As the kernel has it; older headers know less. What an older kernel does not know is left out of the size. */
struct attr {
	uint64_t fs, net, scoped;
};

/* All rights to files that this version of the interface knows. */
static uint64_t all_rights(int abi)
{
	static const int bits[] = {0, 13, 14, 15, 15, 16};
	int n = abi >= (int)countof(bits) ? bits[countof(bits) - 1] : bits[abi];

	return (UINT64_C(1) << n) - 1;
}

static int add_rule(int set, const struct landlock_rule *r)
{
	struct landlock_path_beneath_attr a = {.parent_fd = r->fd};
	struct stat st;

	if (fstat(r->fd, &st) < 0)
		return -errno;
	if (r->kind == LANDLOCK_READ)
		a.allowed_access =
			LANDLOCK_ACCESS_FS_READ_FILE |
			(S_ISDIR(st.st_mode) ? (uint64_t)LANDLOCK_ACCESS_FS_READ_DIR : 0);
	else
		a.allowed_access = LANDLOCK_ACCESS_FS_REMOVE_FILE;
	return syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0 ? -errno
											  : 0;
}

int landlock_enter(const struct landlock_rule *v, size_t n)
{
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return -errno;
	struct attr a = {.fs = all_rights(abi), .scoped = abi >= 6 ? 3 : 0};
	size_t size = abi >= 6	 ? sizeof a
		      : abi >= 4 ? offsetof(struct attr, scoped)
				 : offsetof(struct attr, net);
	autoclose int set = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
	if (set < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		int r = v[i].fd < 0 ? 0 : add_rule(set, &v[i]);
		if (r < 0)
			return r;
	}
	return syscall(SYS_landlock_restrict_self, set, 0) < 0 ? -errno : 0;
}
