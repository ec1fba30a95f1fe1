#include <signal.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "runtime/oci_scope.h"
#include "sys/cgroup.h"
#include "sys/cgroup_tree.h"
#include "sys/systemd.h"

#define ANNOTATION "org.systemd.property."
enum { MOVED_WAIT_MS = 10000, PROPERTIES_MAX = 64, CPUS_MAX = 8192 };

struct properties {
	struct systemd_property v[PROPERTIES_MAX];
	size_t n;
};

static void add(struct properties *p, const struct systemd_property *one)
{
	if (p->n < PROPERTIES_MAX)
		p->v[p->n++] = *one;
}

static void add_number(struct properties *p, const char *name, const char *type, uint64_t v)
{
	add(p, &(struct systemd_property){.name = name, .type = type, .number = v});
}

/* -1 is no limit, 0 was not said. */
static void add_limit(struct properties *p, const char *name, int64_t v)
{
	if (v)
		add_number(p, name, "t", v < 0 ? UINT64_MAX : (uint64_t)v);
}

/* ---- names */

static bool is_unit_part(const char *s)
{
	return !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    ":-_.\\@")];
}

int oci_scope_names(const struct oci_cgroups_want *w, struct arena *a, const char **ret_unit,
		    const char **ret_slice, struct err *e)
{
	const char *slice = w->rootless ? "user.slice" : "system.slice", *prefix = "hoy",
		   *name = w->id;

	if (!str_is_empty(w->path)) {
		const char *one = strchr(w->path, ':'), *two = one ? strchr(one + 1, ':') : NULL;
		if (!two || strchr(two + 1, ':')) {
			err_fail(e, ERR_OCI_RESOURCES,
				 "linux.cgroupsPath '%.200s' is not of the form slice:prefix:name",
				 w->path);
			return err_hint(e, "that is what systemd's driver wants; a path is right "
					   "without --systemd-cgroup");
		}
		if (one > w->path)
			slice = arena_strndup(a, w->path, (size_t)(one - w->path));
		prefix = arena_strndup(a, one + 1, (size_t)(two - one - 1));
		name = two + 1;
	}
	if (!*name || !is_unit_part(name) || !is_unit_part(prefix) || !is_unit_part(slice) ||
	    !str_ends(slice, ".slice"))
		return err_fail(e, ERR_OCI_RESOURCES,
				"'%.200s' gives no names of systemd's units (a slice, a prefix, a "
				"name)",
				w->path ? w->path : w->id);
	if (str_ends(name, ".slice"))
		return err_fail(
			e, ERR_OCI_RESOURCES,
			"linux.cgroupsPath '%.200s' names a slice, which holds no processes",
			w->path);
	*ret_slice = slice;
	*ret_unit = *prefix ? arena_printf(a, "%s-%s.scope", prefix, name)
			    : arena_printf(a, "%s.scope", name);
	return 0;
}

/* ---- limits */

/* "0-3,7" as systemd wants a set: bits, the first one lowest. */
static void add_set(struct properties *p, const char *name, const char *list, struct arena *a)
{
	unsigned char *bits = arena_alloc(a, CPUS_MAX / 8);
	size_t bytes = 0;

	if (str_is_empty(list))
		return;
	for (const char *s = list; *s;) {
		char *end;
		unsigned long from = strtoul(s, &end, 10), to = from;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (*end == ':')
			return; /* a group: systemd need not know */
		for (unsigned long i = from; i <= to && i < CPUS_MAX; i++) {
			bits[i / 8] |= (unsigned char)(1U << i % 8);
			bytes = i / 8 + 1 > bytes ? i / 8 + 1 : bytes;
		}
		s = *end == ',' ? end + 1 : end + strlen(end);
	}
	add(p, &(struct systemd_property){.name = name, .type = "ay", .bytes = bits, .n = bytes});
}

/* CPU time in a second, rounded up to what systemd keeps (10 ms). */
static void add_quota(struct properties *p, int64_t quota, uint64_t period)
{
	if (!quota)
		return;
	period = period ? period : 100000;
	add_number(p, "CPUQuotaPeriodUSec", "t", period);
	uint64_t per_second = UINT64_MAX;
	if (quota > 0 && (uint64_t)quota <= UINT64_MAX / 1000000) {
		per_second = (uint64_t)quota * 1000000 / period;
		per_second = (per_second + 9999) / 10000 * 10000;
	}
	add_number(p, "CPUQuotaPerSecUSec", "t", per_second);
}

static int add_resources(struct properties *p, const struct oci_resources *r,
			 const struct oci_limits_now *now, struct arena *a, struct err *e)
{
	bool v2 = cgroup_is_v2();
	int64_t swap;

	if (!r)
		return 0;
	add_limit(p, v2 ? "MemoryMax" : "MemoryLimit", r->memory.limit);
	add_limit(p, "TasksMax", r->pids.limit);
	add_quota(p, r->cpu.quota, r->cpu.period);
	if (!v2) {
		add_limit(p, "CPUShares", (int64_t)r->cpu.shares);
		add_limit(p, "BlockIOWeight", (int64_t)r->block_io.weight);
		return 0;
	}
	add_limit(p, "MemoryLow", r->memory.reservation);
	int n = oci_swap_v2(&r->memory, now, &swap, e);
	if (n < 0)
		return n;
	if (n)
		add_number(p, "MemorySwapMax", "t", swap < 0 ? UINT64_MAX : (uint64_t)swap);
	if (r->cpu.shares)
		add_number(p, "CPUWeight", "t",
			   limit_cpu_weight(r->cpu.shares < 2 ? 2 : r->cpu.shares));
	if (r->block_io.weight >= 10)
		add_number(p, "IOWeight", "t", limit_io_weight(r->block_io.weight));
	add_set(p, "AllowedCPUs", r->cpu.cpus, a);
	add_set(p, "AllowedMemoryNodes", r->cpu.mems, a);
	return 0;
}

/* ---- annotations */

/* "true", "15", "uint64 10", "'text'", "['a', 'b']": as much of GVariant's text form as properties of scopes need. */
static bool parse_value(const char *s, struct arena *a, struct systemd_property *ret)
{
	static const struct {
		const char *word, *type;
		uint64_t max;
	} types[] = {
		{"uint64 ", "t", UINT64_MAX}, {"int64 ", "x", INT64_MAX},
		{"uint32 ", "u", UINT32_MAX}, {"int32 ", "i", INT32_MAX},
		{"", "i", INT32_MAX},
	};
	size_t n = strlen(s);

	if (!strcmp(s, "true") || !strcmp(s, "false")) {
		ret->type = "b";
		ret->number = *s == 't';
		return true;
	}
	if (n >= 2 && (*s == '\'' || *s == '"') && s[n - 1] == *s && !strchr(s, '\\')) {
		ret->type = "s";
		ret->text = arena_strndup(a, s + 1, n - 2);
		return !strchr(ret->text, *s);
	}
	if (n >= 2 && *s == '[' && s[n - 1] == ']') {
		struct strs *l = arena_alloc(a, sizeof *l);
		for (const char *p = s + 1; *p != ']'; p += *p == ',' ? 1 : 0) {
			p += strspn(p, " ");
			const char *end = *p == '\'' || *p == '"' ? strchr(p + 1, *p) : NULL;
			if (!end)
				return false;
			strs_add(a, l, arena_strndup(a, p + 1, (size_t)(end - p) - 1));
			p = end + 1;
			p += strspn(p, " ");
			if (*p != ',' && (*p != ']' || p[1]))
				return false;
		}
		ret->type = "as";
		ret->texts = l;
		return true;
	}
	for (size_t i = 0; i < countof(types); i++)
		if (str_starts(s, types[i].word)) {
			ret->type = types[i].type;
			return parse_u64(s + strlen(types[i].word), types[i].max, &ret->number) ==
			       0;
		}
	return false;
}

/* "TimeoutStopSec" is how units are written; the property counts microseconds. */
static int add_annotations(struct properties *p, const struct pairs *annotations, struct arena *a,
			   struct err *e)
{
	for (size_t i = 0; annotations && i < annotations->n; i++) {
		const struct pair *x = &annotations->v[i];
		if (!str_starts(x->k, ANNOTATION))
			continue;
		struct systemd_property one = {.name = x->k + strlen(ANNOTATION)};
		if (!*one.name || !is_unit_part(one.name) || !parse_value(x->v, a, &one)) {
			err_fail(e, ERR_OCI_RESOURCES,
				 "the annotation %.100s has no value of a property: %.100s", x->k,
				 x->v);
			return err_hint(e, "values are written true, 15, uint64 15, 'text' or "
					   "['text']");
		}
		if (str_ends(one.name, "Sec") && !str_ends(one.name, "USec") &&
		    strspn(one.type, "iutx") == 1) {
			size_t n = strlen(one.name) - 3;
			one.name = arena_printf(a, "%.*sUSec", (int)n, one.name);
			one.type = "t";
			one.number *= 1000000;
		}
		for (size_t k = 0; k < p->n; k++)
			if (!strcmp(p->v[k].name, one.name))
				p->v[k--] = p->v[--p->n];
		if (p->n == PROPERTIES_MAX)
			return err_fail(e, ERR_OCI_RESOURCES, "over %d annotations of systemd",
					PROPERTIES_MAX);
		add(p, &one);
	}
	return 0;
}

static int all_properties(const struct oci_cgroups_want *w, const char *slice, struct properties *p,
			  struct arena *a, struct err *e)
{
	static const char *const counted[] = {"MemoryAccounting", "CPUAccounting",
					      "TasksAccounting", "IOAccounting"};

	add(p, &(struct systemd_property){.name = "Slice", .type = "s", .text = slice});
	add_number(p, "Delegate", "b", 1);
	for (size_t i = 0; i < countof(counted); i++)
		add_number(p, counted[i], "b", 1);
	add_number(p, "DefaultDependencies", "b", 0);
	int r = add_resources(p, w->resources, &OCI_LIMITS_NONE, a, e);
	return r < 0 ? r : add_annotations(p, w->annotations, a, e);
}

/* ---- starting, changing, stopping */

static int find_manager(struct systemd *s, struct err *e)
{
	if (systemd_find(s) == 0)
		return 0;
	err_fail(e, ERR_CGROUP, "no systemd answers here, so no scope can be had from it");
	return err_hint(e, "leave --systemd-cgroup out, and give linux.cgroupsPath as a path");
}

int oci_scope_check(const struct oci_cgroups_want *w, struct err *e)
{
	scoped(arena) a = {0};
	struct properties p = {0};
	struct systemd s;
	const char *unit, *slice;
	int r = oci_scope_names(w, &a, &unit, &slice, e);

	if (r == 0)
		r = all_properties(w, slice, &p, &a, e);
	return r < 0 ? r : find_manager(&s, e);
}

/* systemd has queued the work when it answers. */
static int await_scope(const char *unit, pid_t pid, struct arena *a, const char **ret,
		       struct err *e)
{
	const char *hierarchy = cgroup_is_v2() ? "" : "name=systemd";
	int64_t until = time_mono_ms() + MOVED_WAIT_MS;
	char file[40];

	snprintf(file, sizeof file, "/proc/%d/cgroup", (int)pid);
	for (unsigned us = 100; time_mono_ms() < until; us = us < 5000 ? us * 2 : us) {
		scoped(str) text = {0};
		size_t n;
		int r = fd_read_file_at(AT_FDCWD, file, &text, 1 << 20);
		if (r < 0)
			return err_set(e, r, "read %s", file);
		const char *at = cgroup_path_in(str_cstr(&text), hierarchy, &n);
		*ret = at ? arena_strndup(a, at, n) : "";
		if (str_ends(*ret, unit) && n > strlen(unit) && at[n - strlen(unit) - 1] == '/')
			return 0;
		usleep(us);
	}
	return err_fail_code(e, ERR_CGROUP, ETIMEDOUT,
			     "systemd did not put the container into %s within %d seconds", unit,
			     MOVED_WAIT_MS / 1000);
}

int oci_scope_start(const struct oci_cgroups_want *w, pid_t pid, struct arena *a,
		    const char **ret_unit, const char **ret_below, struct err *e)
{
	struct properties p = {0};
	struct systemd s;
	const char *slice;
	int r = oci_scope_names(w, a, ret_unit, &slice, e);

	if (r == 0)
		r = all_properties(w, slice, &p, a, e);
	if (r == 0)
		r = find_manager(&s, e);
	if (r < 0)
		return r;
	r = systemd_start(&s, *ret_unit, pid, p.v, p.n, e);
	if (r == -EEXIST) { /* of one that ended and was not forgotten */
		systemd_stop(&s, *ret_unit, NULL);
		r = systemd_start(&s, *ret_unit, pid, p.v, p.n, e);
	}
	if (r == -EEXIST)
		return err_fail_code(e, ERR_CGROUP, EEXIST, "systemd has a unit %s already",
				     *ret_unit);
	if (r == -ENOENT)
		return err_fail_code(e, ERR_CGROUP, ENOENT, "systemd does not answer");
	return r < 0 ? r : await_scope(*ret_unit, pid, a, ret_below, e);
}

int oci_scope_update(const char *unit, const struct oci_resources *r,
		     const struct oci_limits_now *now, struct err *e)
{
	scoped(arena) a = {0};
	struct properties p = {0};
	struct systemd s;
	int n = add_resources(&p, r, now, &a, e);

	if (n < 0 || !p.n)
		return n;
	n = find_manager(&s, e);
	return n < 0 ? n : systemd_set(&s, unit, p.v, p.n, e);
}

int oci_scope_attach(const char *unit, pid_t pid, struct err *e)
{
	struct systemd s;

	return systemd_find(&s) < 0 ? -EACCES : systemd_attach(&s, unit, "", pid, e);
}

void oci_scope_stop(const char *unit)
{
	struct systemd s;

	if (systemd_find(&s) == 0)
		systemd_stop(&s, unit, NULL);
}
