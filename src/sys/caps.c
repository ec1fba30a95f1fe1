#include <ctype.h>
#include <sys/prctl.h>

#include <cap-ng.h>

#include "base/base.h"
#include "sys/caps.h"

#define CAP_BIT(n) (UINT64_C(1) << (n))

uint64_t caps_all(void)
{
	static uint64_t all;

	for (int cap = 0; !all && cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0) {
			all = CAP_BIT(cap) - 1;
			break;
		}
	}
	return all;
}

const char *caps_name(int cap)
{
	static char names[64][32];

	if (cap < 0 || cap > 63)
		return "CAP_?";
	char *s = names[cap];
	if (*s)
		return s;
	const char *known = capng_capability_to_name((unsigned)cap);
	if (known)
		snprintf(s, sizeof names[0], "CAP_%s", known);
	else
		snprintf(s, sizeof names[0], "CAP_%d", cap);
	for (; *s; s++)
		*s = (char)toupper((unsigned char)*s);
	return names[cap];
}

void caps_names(uint64_t set, struct strv *out)
{
	for (int cap = 0; cap < 64; cap++) {
		if (set & CAP_BIT(cap))
			strv_add(out, caps_name(cap));
	}
}

/* The name without "CAP_", cut to a length that all real names fit in. */
static void bare_name(const char *name, char *buf, size_t size)
{
	if (!strncasecmp(name, "CAP_", 4))
		name += 4;
	snprintf(buf, size, "%s", name);
	for (char *p = buf; *p; p++)
		*p = (char)toupper((unsigned char)*p);
}

static int unknown(const char *name, const char *bare, struct err *e)
{
	const char *best = NULL;
	size_t best_distance = str_too_far(bare);

	for (int cap = 0; cap < 64 && (caps_all() & CAP_BIT(cap)); cap++) {
		size_t d = str_distance(bare, caps_name(cap) + 4);
		if (d < best_distance) {
			best_distance = d;
			best = caps_name(cap) + 4;
		}
	}
	err_fail(e, ERR_CAP_UNKNOWN, "no capability is called '%s'", name);
	if (best)
		return err_hint(e, "did you mean %s?", best);
	return err_hint(e, "names are those of capabilities(7), such as NET_ADMIN, or ALL");
}

int caps_number(const char *name, struct err *e)
{
	char bare[32];

	bare_name(name, bare, sizeof bare);
	for (int cap = 0; cap < 64; cap++) {
		if (strcmp(caps_name(cap) + 4, bare) != 0 || !isalpha((unsigned char)*bare))
			continue;
		if (caps_all() & CAP_BIT(cap))
			return cap;
		return err_fail(e, ERR_CAP_UNKNOWN, "this kernel does not have %s", caps_name(cap));
	}
	return unknown(name, bare, e);
}

static int parse_one(const char *name, uint64_t *set, bool *all, struct err *e)
{
	char bare[32];

	bare_name(name, bare, sizeof bare);
	if (!strcmp(bare, "ALL")) {
		*all = true;
		*set |= caps_all();
		return 0;
	}
	int cap = caps_number(name, e);
	if (cap < 0)
		return cap;
	*set |= CAP_BIT(cap);
	return 0;
}

int caps_parse(const char *const *names, size_t n, uint64_t *ret, bool *ret_all, struct err *e)
{
	uint64_t set = 0;
	bool all = false;

	for (size_t i = 0; i < n; i++) {
		scoped(strv) parts = {0};
		strv_split(&parts, names[i], ',');
		for (size_t k = 0; k < parts.n; k++) {
			int r = parse_one(parts.v[k], &set, &all, e);
			if (r < 0)
				return r;
		}
	}
	*ret = set;
	if (ret_all)
		*ret_all = all;
	return 0;
}

int caps_compute(const char *const *add, size_t nadd, const char *const *drop, size_t ndrop,
		 bool privileged, struct caps *ret, struct err *e)
{
	uint64_t added, dropped;
	bool add_all, drop_all;
	int r;

	r = caps_parse(add, nadd, &added, &add_all, e);
	if (!r)
		r = caps_parse(drop, ndrop, &dropped, &drop_all, e);
	if (r < 0)
		return r;
	bool both = !add_all && !drop_all && (added & dropped);
	if (both || (add_all && drop_all)) {
		err_fail(e, ERR_CAP_CONFLICT, "%s is both added and dropped",
			 both ? caps_name(__builtin_ctzll(added & dropped)) : "ALL");
		return err_hint(e, "leave one out; `--cap-drop all --cap-add X` leaves just X");
	}
	if (drop_all)
		ret->bounding = added;
	else
		ret->bounding =
			((add_all ? caps_all() : CAPS_DEFAULT | added) & ~dropped) & caps_all();
	if (privileged)
		ret->bounding = caps_all();
	ret->user = added & ret->bounding;
	return 0;
}

/* libcap-ng would look at /proc/self/status before it drops the bounding set, so this part goes to the kernel directly. */
int caps_before_user(uint64_t bounding, struct err *e)
{
	for (int cap = 0; cap < 64 && (caps_all() & CAP_BIT(cap)); cap++) {
		if (bounding & CAP_BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_set(e, errno, "drop %s from the bounding set", caps_name(cap));
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_set(e, errno, "empty the ambient capability set");
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "keep capabilities over the change of user");
	return 0;
}

struct caps_sets caps_sets_of(const struct caps *c, uid_t uid)
{
	uint64_t held = uid ? c->user : c->bounding, kept = uid ? c->user : 0;

	return (struct caps_sets){c->bounding, held, kept, held, kept};
}

int caps_after_user(const struct caps_sets *c, bool keep_sys_admin, struct err *e)
{
	const struct {
		uint64_t set;
		capng_type_t type;
	} to[] = {
		{c->effective, CAPNG_EFFECTIVE},
		{c->permitted, CAPNG_PERMITTED},
		{c->inheritable, CAPNG_INHERITABLE},
		{c->ambient, CAPNG_AMBIENT},
	};

	capng_clear(CAPNG_SELECT_ALL);
	/* libcap-ng remembers the thread id of its first use, which a raw clone(2) makes wrong; 0 is always the caller. */
	capng_setpid(0);
	for (unsigned cap = 0; cap < 64; cap++) {
		for (size_t i = 0; i < countof(to); i++)
			if (to[i].set & CAP_BIT(cap))
				capng_update(CAPNG_ADD, to[i].type, cap);
		if (keep_sys_admin && cap == CAP_SYS_ADMIN)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
	}
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(e, errno, "set the capabilities of the container");
	if (c->ambient && capng_apply(CAPNG_SELECT_AMBIENT) < 0)
		return err_set(e, errno, "set the ambient capabilities of the container");
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_set(e, errno, "clear the keep-capabilities flag");
	return 0;
}
