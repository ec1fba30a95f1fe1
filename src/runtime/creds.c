#include <sys/prctl.h>

#include "base/base.h"
#include "runtime/creds.h"

#define KEEP UINT32_MAX

const struct creds_call creds_calls[] = {
	{"getuid", CREDS_GETUID, true, 0, 0, {0}},
	{"getuid32", CREDS_GETUID, false, 0, 0, {0}},
	{"geteuid", CREDS_GETEUID, true, 0, 0, {0}},
	{"geteuid32", CREDS_GETEUID, false, 0, 0, {0}},
	{"getgid", CREDS_GETGID, true, 0, 0, {0}},
	{"getgid32", CREDS_GETGID, false, 0, 0, {0}},
	{"getegid", CREDS_GETEGID, true, 0, 0, {0}},
	{"getegid32", CREDS_GETEGID, false, 0, 0, {0}},
	{"getresuid", CREDS_GETRESUID, true, 0, 0, {0}},
	{"getresuid32", CREDS_GETRESUID, false, 0, 0, {0}},
	{"getresgid", CREDS_GETRESGID, true, 0, 0, {0}},
	{"getresgid32", CREDS_GETRESGID, false, 0, 0, {0}},
	{"getgroups", CREDS_GETGROUPS, true, 0, 0, {0}},
	{"getgroups32", CREDS_GETGROUPS, false, 0, 0, {0}},
	{"setuid", CREDS_SETUID, true, 0, 0, {0}},
	{"setuid32", CREDS_SETUID, false, 0, 0, {0}},
	{"setgid", CREDS_SETGID, true, 0, 0, {0}},
	{"setgid32", CREDS_SETGID, false, 0, 0, {0}},
	{"setreuid", CREDS_SETREUID, true, 0, 0, {0}},
	{"setreuid32", CREDS_SETREUID, false, 0, 0, {0}},
	{"setregid", CREDS_SETREGID, true, 0, 0, {0}},
	{"setregid32", CREDS_SETREGID, false, 0, 0, {0}},
	{"setresuid", CREDS_SETRESUID, true, 0, 0, {0}},
	{"setresuid32", CREDS_SETRESUID, false, 0, 0, {0}},
	{"setresgid", CREDS_SETRESGID, true, 0, 0, {0}},
	{"setresgid32", CREDS_SETRESGID, false, 0, 0, {0}},
	{"setfsuid", CREDS_SETFSUID, true, 0, 0, {0}},
	{"setfsuid32", CREDS_SETFSUID, false, 0, 0, {0}},
	{"setfsgid", CREDS_SETFSGID, true, 0, 0, {0}},
	{"setfsgid32", CREDS_SETFSGID, false, 0, 0, {0}},
	{"setgroups", CREDS_SETGROUPS, true, 0, 0, {0}},
	{"setgroups32", CREDS_SETGROUPS, false, 0, 0, {0}},
	{"chown", CREDS_CHOWN, true, 0, 0, {0}},
	{"chown32", CREDS_CHOWN, false, 0, 0, {0}},
	{"lchown", CREDS_LCHOWN, true, 0, 0, {0}},
	{"lchown32", CREDS_LCHOWN, false, 0, 0, {0}},
	{"fchown", CREDS_FCHOWN, true, 0, 0, {0}},
	{"fchown32", CREDS_FCHOWN, false, 0, 0, {0}},
	{"fchownat", CREDS_FCHOWNAT, false, 0, 0, {0}},
	{"prctl", CREDS_PRCTL, false, 0, UINT32_MAX, {PR_SET_KEEPCAPS, PR_SET_KEEPCAPS}},
	{"mknod", CREDS_MKNOD, false, 1, S_IFMT, {S_IFCHR, S_IFBLK}},
	{"mknodat", CREDS_MKNODAT, false, 2, S_IFMT, {S_IFCHR, S_IFBLK}},
};
const size_t creds_call_count = countof(creds_calls);

void creds_init(struct creds *c, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n)
{
	*c = (struct creds){.uid = {uid, uid, uid, uid}, .gid = {gid, gid, gid, gid}};
	c->ngroups = (uint32_t)(n < CREDS_MAX_GROUPS ? n : CREDS_MAX_GROUPS);
	for (uint32_t i = 0; i < c->ngroups; i++)
		c->groups[i] = groups[i];
}

/* Is id one of the first n ids (KEEP always is)? */
static bool among(uint32_t id, const uint32_t *ids, int n)
{
	bool found = id == KEEP;

	for (int i = 0; i < n; i++)
		found |= ids[i] == id;
	return found;
}

static int set_one(uint32_t *v, uint32_t id, bool privileged)
{
	if (id == KEEP)
		return -EINVAL;
	if (privileged)
		v[CREDS_REAL] = v[CREDS_SAVED] = id;
	else if (id != v[CREDS_REAL] && id != v[CREDS_SAVED])
		return -EPERM;
	v[CREDS_EFFECTIVE] = v[CREDS_FS] = id;
	return 0;
}

static int set_two(uint32_t *v, uint32_t real, uint32_t effective, bool privileged)
{
	uint32_t was = v[CREDS_REAL];

	if (!privileged && (!among(real, v, 2) || !among(effective, v, 3)))
		return -EPERM;
	if (real != KEEP)
		v[CREDS_REAL] = real;
	if (effective != KEEP)
		v[CREDS_EFFECTIVE] = effective;
	if (real != KEEP || (effective != KEEP && effective != was))
		v[CREDS_SAVED] = v[CREDS_EFFECTIVE];
	v[CREDS_FS] = v[CREDS_EFFECTIVE];
	return 0;
}

static int set_three(uint32_t *v, const uint32_t *a, bool privileged)
{
	for (int i = 0; i < 3 && !privileged; i++)
		if (!among(a[i], v, 3))
			return -EPERM;
	for (int i = 0; i < 3; i++)
		if (a[i] != KEEP)
			v[i] = a[i];
	v[CREDS_FS] = v[CREDS_EFFECTIVE];
	return 0;
}

static int64_t set_fs(uint32_t *v, uint32_t id, bool privileged)
{
	uint32_t was = v[CREDS_FS];

	if (id != KEEP && (privileged || among(id, v, 4)))
		v[CREDS_FS] = id;
	return was;
}

static bool has_root(const uint32_t *uid)
{
	return !uid[CREDS_REAL] || !uid[CREDS_EFFECTIVE] || !uid[CREDS_SAVED];
}

static int64_t set(struct creds *c, enum creds_op op, const uint32_t *a, bool privileged)
{
	switch (op) {
	case CREDS_SETUID:
		return set_one(c->uid, a[0], privileged);
	case CREDS_SETGID:
		return set_one(c->gid, a[0], privileged);
	case CREDS_SETREUID:
		return set_two(c->uid, a[0], a[1], privileged);
	case CREDS_SETREGID:
		return set_two(c->gid, a[0], a[1], privileged);
	case CREDS_SETRESUID:
		return set_three(c->uid, a, privileged);
	case CREDS_SETRESGID:
		return set_three(c->gid, a, privileged);
	case CREDS_SETFSUID:
		return set_fs(c->uid, a[0], privileged);
	case CREDS_SETFSGID:
		return set_fs(c->gid, a[0], privileged);
	default:
		return -EINVAL;
	}
}

int64_t creds_set(struct creds *c, enum creds_op op, const uint32_t a[3], bool privileged)
{
	bool was_root = has_root(c->uid);
	int64_t r = set(c, op, a, privileged);

	if (was_root && !has_root(c->uid))
		c->kept = c->keep;
	return r;
}

uint32_t creds_get(const struct creds *c, enum creds_op op)
{
	switch (op) {
	case CREDS_GETUID:
		return c->uid[CREDS_REAL];
	case CREDS_GETEUID:
		return c->uid[CREDS_EFFECTIVE];
	case CREDS_GETGID:
		return c->gid[CREDS_REAL];
	default:
		return c->gid[CREDS_EFFECTIVE];
	}
}

bool creds_equal(const struct creds *a, const struct creds *b)
{
	return !memcmp(a->uid, b->uid, sizeof a->uid) && !memcmp(a->gid, b->gid, sizeof a->gid) &&
	       a->ngroups == b->ngroups && a->keep == b->keep && a->kept == b->kept &&
	       !memcmp(a->groups, b->groups, a->ngroups * sizeof *a->groups);
}
