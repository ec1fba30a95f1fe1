#include "base/base.h"
#include "base/parse.h"
#include "engine/limit_opts.h"
#include "sys/cgroup.h"

static int bad(const char *flag, const char *text, const char *hint, struct err *e)
{
	err_fail(e, ERR_LIMIT_BAD, "--%s \"%.60s\" cannot be", flag, text);
	return err_hint(e, "%s", hint);
}

/* Bytes; 0, and -1 if it may be, is no limit. Untouched where nothing was given. */
static int set_size(const char *flag, const char *text, bool minus, int64_t *ret, struct err *e)
{
	uint64_t n;

	if (!text)
		return 0;
	if (minus && !strcmp(text, "-1")) {
		*ret = -1;
		return 0;
	}
	if (parse_size(text, &n) < 0 || n > INT64_MAX)
		return bad(flag, text, "it takes bytes, as in 512m or 2g; 0 for no limit", e);
	*ret = (int64_t)n;
	return 0;
}

static int set_number(const char *flag, const char *text, int64_t min, int64_t max,
		      const char *hint, int64_t *ret, struct err *e)
{
	int64_t n;

	if (!text)
		return 0;
	if (parse_i64(text, INT64_MIN, INT64_MAX, &n) < 0 || (n && (n < min || n > max)))
		return bad(flag, text, hint, e);
	*ret = n;
	return 0;
}

static int set_memory(const struct limit_opts *o, struct config_limits *l, struct err *e)
{
	int r = set_size("memory", o->memory, true, &l->memory, e);

	if (r == 0)
		r = set_size("memory-swap", o->memory_swap, true, &l->memory_swap, e);
	if (r == 0)
		r = set_size("memory-reservation", o->memory_reservation, true,
			     &l->memory_reservation, e);
	if (r < 0)
		return r;
	l->memory = l->memory < 0 ? 0 : l->memory;
	l->memory_reservation = l->memory_reservation < 0 ? 0 : l->memory_reservation;
	if (o->memory && !l->memory && !o->memory_swap)
		l->memory_swap = 0;
	if (l->memory_swap > 0 && !l->memory) {
		err_fail(e, ERR_LIMIT_BAD, "--memory-swap without --memory");
		return err_hint(e, "it bounds memory and swap together: give both");
	}
	if (l->memory_swap > 0 && l->memory_swap < l->memory) {
		err_fail(e, ERR_LIMIT_BAD,
			 "--memory-swap (%" PRId64 ") is below --memory (%" PRId64 ")",
			 l->memory_swap, l->memory);
		return err_hint(e, "it bounds memory and swap together; as much as --memory means "
				   "no swap, -1 no limit");
	}
	if (l->memory && l->memory_reservation > l->memory) {
		err_fail(e, ERR_LIMIT_BAD, "--memory-reservation is above --memory");
		return err_hint(e, "what is kept for the container cannot be more than it may use");
	}
	return 0;
}

/* "1.5" to 1500000000. */
static int parse_cpus(const char *text, int64_t *ret)
{
	size_t whole = strspn(text, "0123456789"), frac = 0;
	int64_t n = 0;

	if (text[whole] == '.')
		frac = strspn(text + whole + 1, "0123456789");
	if (!(whole + frac) || whole > 5 || frac > 9 || text[whole + (text[whole] == '.') + frac])
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (text[i] - '0');
	for (size_t i = 0; i < 9; i++)
		n = n * 10 + (i < frac ? text[whole + 1 + i] - '0' : 0);
	*ret = n;
	return 0;
}

static int set_list(const char *flag, const char *text, const char **ret, struct arena *a,
		    struct err *e)
{
	if (!text)
		return 0;
	if (*text && !limit_is_list(text))
		return bad(flag, text, "numbers and ranges of them, as in 0-3,7", e);
	*ret = *text ? arena_strdup(a, text) : NULL;
	return 0;
}

static int set_cpu(const struct limit_opts *o, struct config_limits *l, struct arena *a,
		   struct err *e)
{
	if (o->cpus && (o->cpu_period || o->cpu_quota)) {
		err_fail(e, ERR_LIMIT_BAD, "--cpus and --cpu-%s are two ways to say one thing",
			 o->cpu_period ? "period" : "quota");
		return err_hint(e, "--cpus 1.5 is --cpu-period 100000 --cpu-quota 150000");
	}
	if (o->cpus && parse_cpus(o->cpus, &l->nano_cpus) < 0)
		return bad("cpus", o->cpus, "a number of CPUs, as in 1.5; 0 for no limit", e);
	if (o->cpus)
		l->cpu_period = l->cpu_quota = 0;
	if (o->cpu_period || o->cpu_quota)
		l->nano_cpus = 0;
	int r = set_number("cpu-period", o->cpu_period, 1000, 1000000,
			   "microseconds, from 1000 to 1000000", &l->cpu_period, e);
	if (r == 0 && o->cpu_quota && !strcmp(o->cpu_quota, "-1"))
		l->cpu_quota = -1;
	else if (r == 0)
		r = set_number("cpu-quota", o->cpu_quota, 1000, INT64_MAX / 2,
			       "microseconds in each period, at least 1000; -1 for no limit",
			       &l->cpu_quota, e);
	if (r == 0)
		r = set_number("cpu-shares", o->cpu_shares, 1, 262144,
			       "a weight from 2 to 262144; 1024 is that of everybody",
			       &l->cpu_shares, e);
	if (r == 0)
		r = set_list("cpuset-cpus", o->cpuset_cpus, &l->cpuset_cpus, a, e);
	return r < 0 ? r : set_list("cpuset-mems", o->cpuset_mems, &l->cpuset_mems, a, e);
}

/* PATH:VALUE each; a list that is given replaces that of before. */
static int set_devices(const char *flag, const struct strs *texts, bool bytes, bool weight,
		       struct bind_list *ret, struct arena *a, struct err *e)
{
	const char *hint = bytes    ? "PATH:BYTES in a second, as in /dev/sda:10mb"
			   : weight ? "PATH:WEIGHT, from 10 to 1000, as in /dev/sda:500"
				    : "PATH:OPERATIONS in a second, as in /dev/sda:1000";

	if (texts->n)
		*ret = (struct bind_list){0};
	for (size_t i = 0; i < texts->n; i++) {
		const char *text = texts->v[i], *colon = strrchr(text, ':');
		struct device_limit d;
		uint64_t n = 0;
		if (!colon || text[0] != '/' || colon == text)
			return bad(flag, text, hint, e);
		int r = bytes ? parse_size(colon + 1, &n) : parse_u64(colon + 1, INT64_MAX, &n);
		if (r < 0 || n > INT64_MAX || (weight ? n < 10 || n > 1000 : !n))
			return bad(flag, text, hint, e);
		d.path = arena_strndup(a, text, (size_t)(colon - text));
		d.value = (int64_t)n;
		*(struct device_limit *)bind_append(a, ret, sizeof d) = d;
	}
	return 0;
}

static int set_io(const struct limit_opts *o, struct config_limits *l, struct arena *a,
		  struct err *e)
{
	int r = set_number("blkio-weight", o->blkio_weight, 10, 1000,
			   "a weight from 10 to 1000; 0 for that of everybody", &l->blkio_weight,
			   e);

	if (r == 0)
		r = set_devices("blkio-weight-device", &o->weight_device, false, true,
				&l->weight_device, a, e);
	if (r == 0)
		r = set_devices("device-read-bps", &o->read_bps, true, false, &l->read_bps, a, e);
	if (r == 0)
		r = set_devices("device-write-bps", &o->write_bps, true, false, &l->write_bps, a,
				e);
	if (r == 0)
		r = set_devices("device-read-iops", &o->read_iops, false, false, &l->read_iops, a,
				e);
	if (r == 0)
		r = set_devices("device-write-iops", &o->write_iops, false, false, &l->write_iops,
				a, e);
	return r;
}

/* A file of a controller, or one that bounds the tree below; never one that moves, freezes or kills. */
static bool conf_file(const char *name, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
	char file[64];

	if (n >= sizeof file || strspn(name, letters) < n)
		return false;
	memcpy(file, name, n);
	file[n] = 0;
	return cgroup_controller_of(file) || !strcmp(file, "cgroup.max.depth") ||
	       !strcmp(file, "cgroup.max.descendants");
}

static int set_conf(const struct limit_opts *o, struct config_limits *l, struct arena *a,
		    struct err *e)
{
	for (size_t i = 0; i < o->conf.n; i++) {
		const char *text = o->conf.v[i], *eq = strchr(text, '=');
		size_t n = eq ? (size_t)(eq - text) : 0;
		if (!n || !eq[1] || !conf_file(text, n))
			return bad("cgroup-conf", text,
				   "FILE=VALUE of a controller, as in memory.high=1073741824", e);
		pairs_set(a, &l->conf, arena_strndup(a, text, n), eq + 1);
	}
	return 0;
}

int limit_opts_set(const struct limit_opts *o, struct config_limits *l, struct arena *a,
		   struct err *e)
{
	int r = set_memory(o, l, e);

	if (r == 0)
		r = set_cpu(o, l, a, e);
	if (r == 0)
		r = set_number("pids-limit", o->pids_limit, -1, INT64_MAX,
			       "a number of processes and threads; -1 or 0 for no limit", &l->pids,
			       e);
	if (r == 0)
		r = set_io(o, l, a, e);
	return r < 0 ? r : set_conf(o, l, a, e);
}

/* ---- where it is */

static bool has_dotdot(const char *path)
{
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += n + (p[n] == '/');
	}
	return false;
}

/* What runc and crun have joined without a look: a path with ".." leads anywhere. */
static int check_parent(const char *path, struct err *e)
{
	bool slice = str_ends(path, ".slice");

	for (const char *p = path; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 127)
			return bad("cgroup-parent", path, "a path without blanks", e);
	if (strlen(path) > 1000 || has_dotdot(path))
		return bad("cgroup-parent", path,
			   "a path of cgroups without \"..\", or the name of a slice", e);
	if (slice && (strchr(path, '/') || path[0] == '.' || path[0] == '-'))
		return bad("cgroup-parent", path,
			   "a slice is named without a path, as in build.slice", e);
	return 0;
}

static int set_place(const struct limit_opts *o, struct container_config *c, struct arena *a,
		     struct err *e)
{
	const char *mode = o->cgroups;
	bool parent = !str_is_empty(o->cgroup_parent);

	if (!str_is_empty(mode) && strcmp(mode, "enabled") != 0)
		c->cgroups = arena_strdup(a, mode);
	if (parent) {
		int r = check_parent(o->cgroup_parent, e);
		if (r < 0)
			return r;
		c->cgroup_parent = arena_strdup(a, o->cgroup_parent);
	}
	if (str_eq(c->cgroups, "disabled") && (parent || limit_any(&c->limits))) {
		err_fail(e, ERR_LIMIT_BAD, "--cgroups disabled together with %s",
			 parent ? "--cgroup-parent" : "a limit");
		return err_hint(e, "limits need a cgroup: leave --cgroups out");
	}
	if (str_eq(c->cgroups, "split") && parent) {
		err_fail(e, ERR_LIMIT_BAD, "--cgroups split and --cgroup-parent");
		return err_hint(e, "split divides the cgroup of whoever calls hoy: leave one out");
	}
	return 0;
}

int limit_opts_create(const struct limit_opts *o, struct container_config *c, struct arena *a,
		      struct err *e)
{
	int r = limit_opts_set(o, &c->limits, a, e);

	return r < 0 ? r : set_place(o, c, a, e);
}
