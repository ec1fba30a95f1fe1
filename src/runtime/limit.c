#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "base/parse.h"
#include "runtime/limit.h"
#include "sys/cgroup.h"

enum { CPU_PERIOD = 100000, CPU_QUOTA_MIN = 1000, CPUS_MAX = 8192 };

#define AT(field) offsetof(struct config_limits, field)
static const struct bind_field device_fields[] = {
	{"Path", BIND_STR, offsetof(struct device_limit, path), .flags = BIND_REQUIRED},
	{"Value", BIND_INT, offsetof(struct device_limit, value), .flags = BIND_REQUIRED},
	{0},
};
#define DEVICES(key, field)                                                                        \
	{                                                                                          \
		key, BIND_LIST, AT(field), device_fields, sizeof(struct device_limit)              \
	}

const struct bind_field limit_fields[] = {
	{"Memory", BIND_INT, AT(memory)},
	{"MemoryReservation", BIND_INT, AT(memory_reservation)},
	{"MemorySwap", BIND_INT, AT(memory_swap)},
	{"NanoCpus", BIND_INT, AT(nano_cpus)},
	{"CpuPeriod", BIND_INT, AT(cpu_period)},
	{"CpuQuota", BIND_INT, AT(cpu_quota)},
	{"CpuShares", BIND_INT, AT(cpu_shares)},
	{"CpusetCpus", BIND_STR, AT(cpuset_cpus)},
	{"CpusetMems", BIND_STR, AT(cpuset_mems)},
	{"Pids", BIND_INT, AT(pids)},
	{"BlkioWeight", BIND_INT, AT(blkio_weight)},
	DEVICES("BlkioWeightDevice", weight_device),
	DEVICES("DeviceReadBps", read_bps),
	DEVICES("DeviceWriteBps", write_bps),
	DEVICES("DeviceReadIops", read_iops),
	DEVICES("DeviceWriteIops", write_iops),
	{"CgroupConf", BIND_PAIRS, AT(conf)},
	{0},
};
#undef AT
#undef DEVICES

int limit_read(int dir, const struct config_limits *dflt, struct config_limits *ret,
	       struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(dir, LIMITS_FILE, &text, 1 << 20);

	*ret = *dflt;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read the container's " LIMITS_FILE);
	struct json *j = json_parse(a, str_cstr(&text), text.len, LIMITS_FILE, NULL, e);
	if (!j)
		return -EINVAL;
	*ret = (struct config_limits){0};
	return bind_read(limit_fields, ret, j, LIMITS_FILE, a, e);
}

int limit_write(int dir, const struct config_limits *l, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) text = {0};

	json_write(&text, bind_write(limit_fields, l, &a), 0);
	str_addc(&text, '\n');
	int r = fd_replace_at(dir, LIMITS_FILE, text.s, text.len, 0600, true);
	return r < 0 ? err_set(e, r, "write the container's " LIMITS_FILE) : 0;
}

bool limit_any(const struct config_limits *l)
{
	return l->memory || l->memory_reservation || l->memory_swap || l->nano_cpus ||
	       l->cpu_period || l->cpu_quota || l->cpu_shares || l->cpuset_cpus || l->cpuset_mems ||
	       l->pids > 0 || l->blkio_weight || l->weight_device.n || l->read_bps.n ||
	       l->write_bps.n || l->read_iops.n || l->write_iops.n || l->conf.n;
}

/* ---- lists of CPUs */

/* One number or range; the end of it. NULL: it is none. */
static const char *parse_range(const char *p, unsigned *ret_from, unsigned *ret_to)
{
	char digits[8];
	unsigned v[2] = {0};

	for (int i = 0; i < 2; i++) {
		size_t n = strspn(p, "0123456789");
		uint64_t x;
		if (!n || n >= sizeof digits)
			return NULL;
		memcpy(digits, p, n);
		digits[n] = 0;
		if (parse_u64(digits, CPUS_MAX - 1, &x) < 0)
			return NULL;
		v[i] = (unsigned)x;
		p += n;
		if (i == 0 && *p != '-') {
			v[1] = v[0];
			break;
		}
		p += i == 0;
	}
	*ret_from = v[0];
	*ret_to = v[1];
	return v[0] <= v[1] && (!*p || *p == ',' || *p == '\n') ? p : NULL;
}

/* Marks what the list has; false: it is none. */
static bool parse_list(const char *text, unsigned char *set)
{
	unsigned from, to;

	for (const char *p = text;; p++) {
		p = parse_range(p, &from, &to);
		if (!p)
			return false;
		for (unsigned i = from; set && i <= to; i++)
			set[i / 8] |= (unsigned char)(1U << i % 8);
		if (*p != ',')
			return true;
	}
}

bool limit_is_list(const char *text)
{
	return !strchr(text, '\n') && parse_list(text, NULL);
}

/* The kernel takes what is not there, and uses what is left, or all: then the limit would not be what was asked for. written: what came of that. */
static int check_list(int cgroup, const struct limit_setting *s, int written, struct err *e)
{
	scoped(str) there = {0};
	unsigned char want[CPUS_MAX / 8] = {0}, have[CPUS_MAX / 8] = {0};
	bool missing = written == -ERANGE;
	char file[40];

	snprintf(file, sizeof file, "%s.effective", s->file);
	int r = cgroup_read(cgroup, file, &there);
	if (r < 0)
		return err_set(e, r, "read %s", file);
	parse_list(s->value, want);
	parse_list(str_cstr(&there), have);
	for (size_t i = 0; i < sizeof want; i++)
		missing |= want[i] & ~have[i];
	if (!missing)
		return 0;
	err_fail(e, ERR_LIMIT_BAD, "%s %.80s: not all of them are there", s->flag, s->value);
	return err_hint(e, "what can be had here: %.*s", (int)strcspn(str_cstr(&there), "\n"),
			str_cstr(&there));
}

/* ---- settings */

int64_t limit_swap(const struct config_limits *l)
{
	if (l->memory_swap || !l->memory)
		return l->memory_swap;
	return l->memory > INT64_MAX / 2 ? -1 : l->memory * 2;
}

uint64_t limit_cpu_weight(uint64_t shares)
{
	return 1 + (shares - 2) * 9999 / 262142;
}

uint64_t limit_io_weight(uint64_t w)
{
	return 1 + (w - 10) * 9999 / 990;
}

struct limit_setting *limit_add(struct limit_list *to, struct arena *a, const char *flag,
				const char *file, const char *value, const char *reset)
{
	struct limit_setting *s = bind_append(a, &to->v, sizeof *s);

	*s = (struct limit_setting){.flag = flag, .file = file, .value = value, .reset = reset};
	return s;
}

static const char *number(struct arena *a, int64_t n)
{
	return arena_printf(a, "%" PRId64, n);
}

static void add_memory(const struct config_limits *l, struct arena *a, struct limit_list *to)
{
	int64_t swap = limit_swap(l);

	if (l->memory)
		limit_add(to, a, "--memory", "memory.max", number(a, l->memory), "max");
	if (l->memory && swap) {
		const char *value = swap < 0 ? "max" : number(a, swap - l->memory);
		struct limit_setting *s =
			limit_add(to, a, "--memory-swap", "memory.swap.max", value, "max");
		s->optional = !l->memory_swap || swap < 0;
	}
	if (l->memory_reservation)
		limit_add(to, a, "--memory-reservation", "memory.low",
			  number(a, l->memory_reservation), "0");
}

static void add_cpu(const struct config_limits *l, struct arena *a, struct limit_list *to)
{
	int64_t period = l->cpu_period ? l->cpu_period : CPU_PERIOD, quota = l->cpu_quota;
	const char *flag = l->nano_cpus ? "--cpus" : quota ? "--cpu-quota" : "--cpu-period";

	if (l->nano_cpus) {
		period = CPU_PERIOD;
		quota = l->nano_cpus / (1000000000 / CPU_PERIOD);
		quota = quota < CPU_QUOTA_MIN ? CPU_QUOTA_MIN : quota;
	}
	if (quota > 0)
		limit_add(to, a, flag, "cpu.max",
			  arena_printf(a, "%" PRId64 " %" PRId64, quota, period), "max 100000");
	else if (quota < 0 || l->cpu_period)
		limit_add(to, a, flag, "cpu.max", arena_printf(a, "max %" PRId64, period),
			  "max 100000");
	if (l->cpu_shares) { /* 2 to 262144 become 1 to 10000, as everybody's do */
		uint64_t shares = l->cpu_shares < 2 ? 2 : (uint64_t)l->cpu_shares;
		limit_add(to, a, "--cpu-shares", "cpu.weight",
			  number(a, (int64_t)limit_cpu_weight(shares)), "100");
	}
	if (l->cpuset_cpus)
		limit_add(to, a, "--cpuset-cpus", "cpuset.cpus", l->cpuset_cpus, "\n");
	if (l->cpuset_mems)
		limit_add(to, a, "--cpuset-mems", "cpuset.mems", l->cpuset_mems, "\n");
}

static int device_number(const struct device_limit *d, const char *flag, struct arena *a,
			 const char **ret, struct err *e)
{
	struct stat st;

	if (stat(d->path, &st) < 0)
		return err_set(e, errno, "%s: the device %s", flag, d->path);
	if (!S_ISBLK(st.st_mode)) {
		err_fail(e, ERR_LIMIT_BAD, "%s: %s is no block device", flag, d->path);
		return err_hint(e, "limits are set on whole disks, as lsblk shows them: /dev/sda");
	}
	*ret = arena_printf(a, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

static int add_devices(const struct bind_list *l, const char *flag, const char *word,
		       struct arena *a, struct limit_list *to, struct err *e)
{
	const struct device_limit *d = l->v;
	const char *dev = "";

	for (size_t i = 0; i < l->n; i++) {
		int r = device_number(&d[i], flag, a, &dev, e);
		if (r < 0)
			return r;
		if (word) {
			limit_add(to, a, flag, "io.max",
				  arena_printf(a, "%s %s=%" PRId64, dev, word, d[i].value),
				  arena_printf(a, "%s %s=max", dev, word));
			continue;
		}
		struct limit_setting *s =
			limit_add(to, a, flag, "io.weight",
				  arena_printf(a, "%s %" PRId64, dev,
					       (int64_t)limit_io_weight((uint64_t)d[i].value)),
				  arena_printf(a, "%s default", dev));
		s->other = "io.bfq.weight";
		s->other_value = arena_printf(a, "%s %" PRId64, dev, d[i].value);
		s->other_reset = s->reset;
	}
	return 0;
}

static int add_io(const struct config_limits *l, struct arena *a, struct limit_list *to,
		  struct err *e)
{
	if (l->blkio_weight) {
		struct limit_setting *s =
			limit_add(to, a, "--blkio-weight", "io.weight",
				  arena_printf(a, "default %" PRId64,
					       (int64_t)limit_io_weight((uint64_t)l->blkio_weight)),
				  "default 100");
		s->other = "io.bfq.weight";
		s->other_value = arena_printf(a, "default %" PRId64, l->blkio_weight);
		s->other_reset = s->reset;
	}
	int r = add_devices(&l->weight_device, "--blkio-weight-device", NULL, a, to, e);
	if (r == 0)
		r = add_devices(&l->read_bps, "--device-read-bps", "rbps", a, to, e);
	if (r == 0)
		r = add_devices(&l->write_bps, "--device-write-bps", "wbps", a, to, e);
	if (r == 0)
		r = add_devices(&l->read_iops, "--device-read-iops", "riops", a, to, e);
	if (r == 0)
		r = add_devices(&l->write_iops, "--device-write-iops", "wiops", a, to, e);
	return r;
}

int limit_settings(const struct config_limits *l, struct arena *a, struct limit_list *ret,
		   struct err *e)
{
	*ret = (struct limit_list){0};
	add_memory(l, a, ret);
	add_cpu(l, a, ret);
	if (l->pids > 0)
		limit_add(ret, a, "--pids-limit", "pids.max", number(a, l->pids), "max");
	int r = add_io(l, a, ret, e);
	for (size_t i = 0; i < l->conf.n; i++)
		limit_add(ret, a, "--cgroup-conf", l->conf.v[i].k, l->conf.v[i].v, NULL);
	return r;
}

unsigned limit_controllers(const struct limit_list *l)
{
	const struct limit_setting *s = l->v.v;
	unsigned set = 0;

	for (size_t i = 0; i < l->v.n; i++)
		set |= cgroup_controller_of(s[i].file);
	return set;
}

const char *limit_flag(const struct limit_list *l, unsigned controllers)
{
	const struct limit_setting *s = l->v.v;

	for (size_t i = 0; i < l->v.n; i++)
		if (cgroup_controller_of(s[i].file) & controllers)
			return s[i].flag;
	return NULL;
}

/* ---- telling the kernel */

static int explain(const struct limit_setting *s, int r, struct err *e)
{
	if (r == -ENOENT) {
		err_fail_code(e, ERR_LIMIT_BAD, ENOENT, "%s: this kernel has no %s", s->flag,
			      s->file);
		if (s->other)
			return err_hint(e, "weights of disks need the scheduler bfq "
					   "(/sys/block/DISK/queue/scheduler) or io.cost");
		return err_hint(e, "leave the flag out; cgroups(7) says what a kernel may have");
	}
	err_fail_code(e, ERR_LIMIT_BAD, -r, "%s: the kernel refuses \"%.80s\" for %s: %s", s->flag,
		      s->value, s->file, strerror(-r));
	if (r == -ENODEV)
		return err_hint(e, "limits are set on whole disks, not on partitions: lsblk");
	return err_hint(e, "see the allowed values in cgroups(7) and the kernel's cgroup-v2.rst");
}

static int write_one(int cgroup, const struct limit_setting *s, bool reset)
{
	int r = cgroup_write(cgroup, s->file, reset ? s->reset : s->value);

	if (r == -ENOENT && s->other)
		r = cgroup_write(cgroup, s->other, reset ? s->other_reset : s->other_value);
	return r == -ENOENT && (s->optional || reset) ? 0 : r;
}

/* The setting of the same file, and of the same part of it. */
static const struct limit_setting *find(const struct limit_list *l, const struct limit_setting *s)
{
	const struct limit_setting *v = l ? l->v.v : NULL;

	for (size_t i = 0; l && i < l->v.n; i++)
		if (!strcmp(v[i].file, s->file) && str_eq(v[i].reset, s->reset))
			return &v[i];
	return NULL;
}

/* Of several that depend on each other, the order that the kernel takes depends on what holds now. */
static bool may_come_later(int r)
{
	return r == -EINVAL || r == -EBUSY;
}

static int write_checked(int cgroup, const struct limit_setting *s, struct err *e)
{
	int r = write_one(cgroup, s, false);

	/* Version 1 refuses by itself what is not there. */
	if (str_starts(s->file, "cpuset.") && (r == 0 || r == -ERANGE) &&
	    faccessat(cgroup, "cpuset.cpus.effective", F_OK, 0) == 0)
		return check_list(cgroup, s, r, e);
	return r < 0 ? explain(s, r, e) : 0;
}

int limit_write_all(const struct limit_list *l, limit_where *where, void *ctx, struct err *e)
{
	const struct limit_setting *s = l->v.v;
	autofree bool *done = xcalloc(l->v.n + 1, 1);
	bool progress = true, again = true;

	while (again) {
		bool last = !progress;
		progress = again = false;
		for (size_t i = 0; i < l->v.n; i++) {
			if (done[i])
				continue;
			int dir = where(ctx, s[i].file);
			if (dir < 0 && (dir != -ENOENT || !s[i].optional))
				return explain(&s[i], dir, e);
			struct err why = {0};
			int r = dir < 0 ? 0 : write_checked(dir, &s[i], &why);
			if (r < 0 && (last || !may_come_later(-why.code))) {
				if (e)
					*e = why;
				return r;
			}
			done[i] = r == 0;
			progress |= r == 0;
			again |= r < 0;
		}
	}
	return 0;
}

static int same_place(void *ctx, const char *file)
{
	(void)file;
	return *(int *)ctx;
}

int limit_apply(int cgroup, const struct limit_list *l, const struct limit_list *before,
		struct err *e)
{
	const struct limit_setting *s = before ? before->v.v : NULL;
	scoped(arena) a = {0};
	struct limit_list change = {0};

	for (size_t i = 0; before && i < before->v.n; i++) {
		int r = s[i].reset && !find(l, &s[i]) ? write_one(cgroup, &s[i], true) : 0;
		if (r < 0)
			return err_set(e, r, "take the limit %s back", s[i].flag);
	}
	s = l->v.v;
	for (size_t i = 0; i < l->v.n; i++) {
		const struct limit_setting *was = find(before, &s[i]);
		if (!was || strcmp(was->value, s[i].value) != 0)
			*(struct limit_setting *)bind_append(&a, &change.v, sizeof *s) = s[i];
	}
	return limit_write_all(&change, same_place, &cgroup, e);
}
