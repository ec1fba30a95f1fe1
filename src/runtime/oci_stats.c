/* What a container uses, in runc's words (types/events.go of runc): fields that it leaves out when they are zero are left out here. */
#include <dirent.h>

#include "base/base.h"
#include "base/parse.h"
#include "data/json.h"
#include "runtime/oci_cgroups.h"
#include "sys/cgroup.h"

struct stats {
	const struct oci_cgroups *c;
	struct arena *a;
	bool v2;
};

/* A directory for the files of a controller; -1: there is none, and all that is read in it is zero. */
static int dir_of(const struct stats *s, const char *controller)
{
	const char *path = oci_cgroups_dir(s->c, controller);

	return path ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

static uint64_t number(int dir, const char *file, const char *key)
{
	uint64_t v = 0;

	return cgroup_number(dir, file, key, &v) == 0 ? v : 0;
}

static void put(const struct stats *s, struct json *to, const char *key, uint64_t v)
{
	json_set(s->a, to, key, json_new_u64(s->a, v));
}

static void put_some(const struct stats *s, struct json *to, const char *key, uint64_t v)
{
	if (v)
		put(s, to, key, v);
}

static struct json *object(const struct stats *s, struct json *in, const char *key)
{
	struct json *j = json_new(s->a, JSON_OBJ);

	json_set(s->a, in, key, j);
	return j;
}

static uint64_t to_u64(const char *p, size_t n)
{
	char text[24];
	uint64_t v;

	if (!n || n >= sizeof text)
		return 0;
	memcpy(text, p, n);
	text[n] = 0;
	return !strcmp(text, "max") ? UINT64_MAX : parse_u64(text, UINT64_MAX, &v) == 0 ? v : 0;
}

/* Cuts a line into words. */
enum { WORDS_MAX = 16 };
static size_t split(char *line, char *words[WORDS_MAX])
{
	size_t n = 0;

	for (char *p = line; *p && n < WORDS_MAX;) {
		p += strspn(p, " \t");
		if (!*p)
			break;
		words[n++] = p;
		p += strcspn(p, " \t");
		if (*p)
			*p++ = 0;
	}
	return n;
}

/* Calls fn for each line of a file. */
typedef void line_fn(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to);
static void each_line(const struct stats *s, int dir, const char *file, line_fn *fn,
		      struct json *to)
{
	scoped(str) text = {0};

	if (dir < 0 || cgroup_read(dir, file, &text) < 0)
		return;
	for (char *p = text.s, *next; p && *p; p = next) {
		char *words[WORDS_MAX];
		next = p + strcspn(p, "\n");
		next += *next ? (*next = 0, 1) : 0;
		size_t n = split(p, words);
		if (n)
			fn(s, words, n, to);
	}
}

/* ---- pressure, of version 2 and where the kernel counts it */

static void pressure_line(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to)
{
	struct json *j = object(s, to, words[0]);

	for (size_t i = 1; i < n; i++) {
		char *eq = strchr(words[i], '=');
		if (!eq)
			continue;
		*eq = 0;
		if (!strcmp(words[i], "total")) {
			put(s, j, "total", to_u64(eq + 1, strlen(eq + 1)));
			continue;
		}
		struct json *d = json_new(s->a, JSON_DOUBLE);
		d->d = strtod(eq + 1, NULL);
		json_set(s->a, j, words[i], d);
	}
}

static void put_pressure(const struct stats *s, int dir, const char *file, struct json *to)
{
	struct json *j = json_new(s->a, JSON_OBJ);

	if (s->v2)
		each_line(s, dir, file, pressure_line, j);
	if (j->obj.n)
		json_set(s->a, to, "psi", j);
}

/* ---- processors */

static void all_words(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to)
{
	for (size_t i = 0; i < n; i++)
		json_add(s->a, to, json_new_u64(s->a, to_u64(words[i], strlen(words[i]))));
}

/* "cpu user system", then a line for each. */
static void user_column(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to)
{
	if (n == 3 && *words[0] != 'c')
		json_add(s->a, to, json_new_u64(s->a, to_u64(words[1], strlen(words[1]))));
}

static void kernel_column(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to)
{
	if (n == 3 && *words[0] != 'c')
		json_add(s->a, to, json_new_u64(s->a, to_u64(words[2], strlen(words[2]))));
}

static void put_list(const struct stats *s, int dir, const char *file, line_fn *fn, const char *key,
		     struct json *to)
{
	struct json *j = json_new(s->a, JSON_ARR);

	each_line(s, dir, file, fn, j);
	if (j->arr.n)
		json_set(s->a, to, key, j);
}

static void put_cpu(const struct stats *s, struct json *data)
{
	struct json *cpu = object(s, data, "cpu"), *usage = object(s, cpu, "usage"),
		    *throttling = object(s, cpu, "throttling");
	autoclose int dir = dir_of(s, "cpu"), acct = dir_of(s, s->v2 ? "cpu" : "cpuacct");
	uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);

	if (s->v2) {
		put_some(s, usage, "total", number(acct, "cpu.stat", "usage_usec") * 1000);
		put(s, usage, "kernel", number(acct, "cpu.stat", "system_usec") * 1000);
		put(s, usage, "user", number(acct, "cpu.stat", "user_usec") * 1000);
	} else {
		put_some(s, usage, "total", number(acct, "cpuacct.usage", NULL));
		put_list(s, acct, "cpuacct.usage_percpu", all_words, "percpu", usage);
		put_list(s, acct, "cpuacct.usage_all", kernel_column, "percpu_kernel", usage);
		put_list(s, acct, "cpuacct.usage_all", user_column, "percpu_user", usage);
		put(s, usage, "kernel", number(acct, "cpuacct.stat", "system") * tick);
		put(s, usage, "user", number(acct, "cpuacct.stat", "user") * tick);
	}
	put_some(s, throttling, "periods", number(dir, "cpu.stat", "nr_periods"));
	put_some(s, throttling, "throttledPeriods", number(dir, "cpu.stat", "nr_throttled"));
	put_some(s, throttling, "throttledTime",
		 s->v2 ? number(dir, "cpu.stat", "throttled_usec") * 1000
		       : number(dir, "cpu.stat", "throttled_time"));
	put_pressure(s, dir, "cpu.pressure", cpu);
}

/* "0-3,7" to [0,1,2,3,7] */
static void put_set(const struct stats *s, int dir, const char *file, const char *key,
		    struct json *to)
{
	scoped(str) text = {0};
	struct json *j = json_new(s->a, JSON_ARR);

	if (dir < 0 || cgroup_read(dir, file, &text) < 0)
		return;
	for (const char *p = str_cstr(&text); *p >= '0' && *p <= '9';) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to_ = from;
		if (*end == '-')
			to_ = strtoul(end + 1, &end, 10);
		for (unsigned long i = from; i <= to_ && i <= UINT16_MAX; i++)
			json_add(s->a, j, json_new_int(s->a, (int64_t)i));
		p = *end == ',' ? end + 1 : end;
	}
	if (j->arr.n)
		json_set(s->a, to, key, j);
}

static void put_cpuset(const struct stats *s, struct json *data)
{
	static const char *const files[] = {
		"cpu_exclusive",      "mem_hardwall",	    "mem_exclusive",   "memory_migrate",
		"memory_spread_page", "memory_spread_slab", "memory_pressure", "sched_load_balance",
	};
	struct json *j = object(s, data, "cpuset");
	autoclose int dir = s->v2 ? -1 : dir_of(s, "cpuset");
	scoped(str) level = {0};

	put_set(s, dir, "cpuset.cpus", "cpus", j);
	put_set(s, dir, "cpuset.mems", "mems", j);
	for (size_t i = 0; i < countof(files); i++) {
		char file[40];
		snprintf(file, sizeof file, "cpuset.%s", files[i]);
		put(s, j, files[i], number(dir, file, NULL));
	}
	if (dir >= 0)
		cgroup_read(dir, "cpuset.sched_relax_domain_level", &level);
	json_set_int(s->a, j, "sched_relax_domain_level", strtol(str_cstr(&level), NULL, 10));
}

/* ---- memory */

static void put_pair(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to)
{
	if (n == 2)
		put(s, to, arena_strdup(s->a, words[0]), to_u64(words[1], strlen(words[1])));
}

struct entry {
	uint64_t limit, usage, max, failcnt;
};

static void put_entry(const struct stats *s, struct json *to, const char *key,
		      const struct entry *v)
{
	struct json *j = object(s, to, key);

	put(s, j, "limit", v->limit);
	put_some(s, j, "usage", v->usage);
	put_some(s, j, "max", v->max);
	put(s, j, "failcnt", v->failcnt);
}

static struct entry entry_v1(int dir, const char *prefix)
{
	static const char *const files[] = {"limit_in_bytes", "usage_in_bytes",
					    "max_usage_in_bytes", "failcnt"};
	uint64_t v[4];

	for (size_t i = 0; i < countof(files); i++) {
		char file[60];
		snprintf(file, sizeof file, "%s.%s", prefix, files[i]);
		v[i] = number(dir, file, NULL);
	}
	return (struct entry){v[0], v[1], v[2], v[3]};
}

static void put_memory_v1(const struct stats *s, int dir, struct json *memory)
{
	static const struct {
		const char *key, *prefix;
	} entries[] = {
		{"usage", "memory"},
		{"swap", "memory.memsw"},
		{"kernel", "memory.kmem"},
		{"kernelTCP", "memory.kmem.tcp"},
	};

	put_some(s, memory, "cache", number(dir, "memory.stat", "cache"));
	for (size_t i = 0; i < countof(entries); i++) {
		struct entry v = entry_v1(dir, entries[i].prefix);
		put_entry(s, memory, entries[i].key, &v);
	}
}

/* Swap as version 1 counts it: with the memory. */
static void put_memory_v2(const struct stats *s, int dir, struct json *memory)
{
	const struct entry none = {0};
	struct entry v = {.limit = number(dir, "memory.max", NULL),
			  .usage = number(dir, "memory.current", NULL),
			  .max = number(dir, "memory.peak", NULL),
			  .failcnt = number(dir, "memory.events", "max")};
	struct entry swap = {.limit = number(dir, "memory.swap.max", NULL),
			     .usage = number(dir, "memory.swap.current", NULL),
			     .failcnt = number(dir, "memory.swap.events", "fail")};

	put_some(s, memory, "cache", number(dir, "memory.stat", "file"));
	put_entry(s, memory, "usage", &v);
	swap.usage += v.usage;
	swap.limit = swap.limit == UINT64_MAX || v.limit == UINT64_MAX ? UINT64_MAX
								       : swap.limit + v.limit;
	put_entry(s, memory, "swap", &swap);
	put_entry(s, memory, "kernel", &none);
	put_entry(s, memory, "kernelTCP", &none);
}

static void put_memory(const struct stats *s, struct json *data)
{
	struct json *memory = object(s, data, "memory");
	autoclose int dir = dir_of(s, "memory");

	if (s->v2)
		put_memory_v2(s, dir, memory);
	else
		put_memory_v1(s, dir, memory);
	each_line(s, dir, "memory.stat", put_pair, object(s, memory, "raw"));
	put_pressure(s, dir, "memory.pressure", memory);
	if (s->v2)
		each_line(s, dir, "memory.events", put_pair, object(s, memory, "event_count"));
}

/* ---- disks */

static void put_io(const struct stats *s, struct json *to, const char *device, const char *op,
		   uint64_t value)
{
	const char *colon = strchr(device, ':');
	struct json *j = json_new(s->a, JSON_OBJ);

	if (!colon)
		return;
	put_some(s, j, "major", to_u64(device, (size_t)(colon - device)));
	put_some(s, j, "minor", to_u64(colon + 1, strlen(colon + 1)));
	if (op)
		json_set_str(s->a, j, "op", op);
	put_some(s, j, "value", value);
	json_add(s->a, to, j);
}

/* "8:0 Read 4096", "8:0 1000"; the sum of all at the end has no device. */
static void blkio_line(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to)
{
	if (n == 2 || n == 3)
		put_io(s, to, words[0], n == 3 ? words[1] : NULL,
		       to_u64(words[n - 1], strlen(words[n - 1])));
}

static void put_blkio_v1(const struct stats *s, int dir, struct json *blkio)
{
	/* What the scheduler in use counts, else what the throttle does. */
	static const char *const forms[] = {"blkio.%s_recursive", "blkio.bfq.%s_recursive",
					    "blkio.throttle.%s_recursive", "blkio.throttle.%s"};
	static const struct {
		const char *key, *file;
	} lists[] = {
		{"ioServiceBytesRecursive", "io_service_bytes"},
		{"ioServicedRecursive", "io_serviced"},
		{"ioQueueRecursive", "io_queued"},
		{"ioServiceTimeRecursive", "io_service_time"},
		{"ioWaitTimeRecursive", "io_wait_time"},
		{"ioMergedRecursive", "io_merged"},
		{"ioTimeRecursive", "time"},
		{"sectorsRecursive", "sectors"},
	};

	for (size_t i = 0; i < countof(lists); i++) {
		struct json *j = json_new(s->a, JSON_ARR);
		for (size_t k = 0; k < countof(forms) && !j->arr.n; k++) {
			const char *form = forms[k], *at = strstr(form, "%s");
			char file[80];
			snprintf(file, sizeof file, "%.*s%s%s", (int)(at - form), form,
				 lists[i].file, at + 2);
			each_line(s, dir, file, blkio_line, j);
		}
		if (j->arr.n)
			json_set(s->a, blkio, lists[i].key, j);
	}
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." */
static void io_line(const struct stats *s, char *words[WORDS_MAX], size_t n, struct json *to)
{
	static const struct {
		const char *word, *key, *op;
	} known[] = {
		{"rbytes=", "ioServiceBytesRecursive", "Read"},
		{"wbytes=", "ioServiceBytesRecursive", "Write"},
		{"rios=", "ioServicedRecursive", "Read"},
		{"wios=", "ioServicedRecursive", "Write"},
	};

	for (size_t i = 1; i < n; i++) {
		for (size_t k = 0; k < countof(known); k++) {
			if (!str_starts(words[i], known[k].word))
				continue;
			struct json *l = json_get(to, known[k].key);
			if (!l) {
				l = json_new(s->a, JSON_ARR);
				json_set(s->a, to, known[k].key, l);
			}
			const char *v = words[i] + strlen(known[k].word);
			put_io(s, l, words[0], known[k].op, to_u64(v, strlen(v)));
		}
	}
}

static void put_blkio(const struct stats *s, struct json *data)
{
	struct json *blkio = object(s, data, "blkio");
	autoclose int dir = dir_of(s, s->v2 ? "io" : "blkio");

	if (s->v2)
		each_line(s, dir, "io.stat", io_line, blkio);
	else
		put_blkio_v1(s, dir, blkio);
	put_pressure(s, dir, "io.pressure", blkio);
}

/* ---- the rest */

static void put_pids(const struct stats *s, struct json *data)
{
	struct json *j = object(s, data, "pids");
	autoclose int dir = dir_of(s, "pids");
	uint64_t limit = number(dir, "pids.max", NULL);

	put_some(s, j, "current", number(dir, "pids.current", NULL));
	put_some(s, j, "limit", limit == UINT64_MAX ? 0 : limit);
}

static uint64_t huge_number(const char *size, int dir, const char *end, const char *key)
{
	char file[80];

	snprintf(file, sizeof file, "hugetlb.%s.%s", size, end);
	return number(dir, file, key);
}

/* A page size for each file of current use. */
static void put_hugetlb(const struct stats *s, struct json *data)
{
	struct json *all = object(s, data, "hugetlb");
	const char *end = s->v2 ? ".current" : ".usage_in_bytes";
	autoclose int dir = dir_of(s, "hugetlb");
	int fd = dir < 0 ? -1 : dup(dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		fd_close(&fd);
		return;
	}
	for (struct dirent *de; (de = readdir(d));) {
		if (!str_starts(de->d_name, "hugetlb.") || !str_ends(de->d_name, end) ||
		    strstr(de->d_name, ".rsvd."))
			continue;
		const char *from = de->d_name + strlen("hugetlb.");
		const char *size = arena_strndup(s->a, from, strlen(from) - strlen(end));
		struct json *j = object(s, all, size);
		put_some(s, j, "usage", huge_number(size, dir, end + 1, NULL));
		put_some(s, j, "max",
			 s->v2 ? 0 : huge_number(size, dir, "max_usage_in_bytes", NULL));
		put(s, j, "failcnt",
		    s->v2 ? huge_number(size, dir, "events", "max")
			  : huge_number(size, dir, "failcnt", NULL));
	}
	closedir(d);
}

struct json *oci_cgroups_stats(const struct oci_cgroups *c, struct arena *a)
{
	const struct stats s = {c, a, oci_cgroups_v2(c)};
	struct json *data = json_new(a, JSON_OBJ);

	put_cpu(&s, data);
	put_cpuset(&s, data);
	put_memory(&s, data);
	put_pids(&s, data);
	put_blkio(&s, data);
	put_hugetlb(&s, data);
	object(&s, data, "intel_rdt");
	json_set(a, data, "network_interfaces", json_new(a, JSON_NULL));
	return data;
}
