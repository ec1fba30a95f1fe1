#include "base/base.h"
#include "base/parse.h"
#include "engine/stats.h"

/* docker's units.BytesSize: powers of 1024, four significant digits. */
static void add_bytes(struct str *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double d = (double)bytes;
	size_t i = 0;

	while (d >= 1024 && i + 1 < countof(units)) {
		d /= 1024;
		i++;
	}
	str_addf(out, "%.4g%s", d, units[i]);
}

static const char *pair(struct arena *a, uint64_t x, uint64_t y, bool binary)
{
	scoped(str) s = {0};
	void (*add)(struct str *, uint64_t) = binary ? add_bytes : size_human;

	add(&s, x);
	str_add(&s, " / ");
	add(&s, y);
	return arena_strdup(a, str_cstr(&s));
}

static const char *size(struct arena *a, uint64_t n)
{
	scoped(str) s = {0};

	size_human(&s, n);
	return arena_strdup(a, str_cstr(&s));
}

static double percent(double part, double whole)
{
	return whole > 0 && part > 0 ? part / whole * 100 : 0;
}

/* Since its start. */
static double average(const struct stats_item *s)
{
	return percent((double)s->cpu_ns, (double)(s->now_ns - s->started_ns));
}

/* Since the sample before; the first one has only the average. */
static double recent(const struct stats_item *s)
{
	if (!s->before_ns)
		return average(s);
	return s->cpu_ns < s->cpu_before_ns ? 0
					    : percent((double)(s->cpu_ns - s->cpu_before_ns),
						      (double)(s->now_ns - s->before_ns));
}

struct texts {
	const char *cpu, *average, *time, *memory, *memory_percent, *net, *io, *pids;
};

static struct texts texts_of(const struct stats_item *s, bool docker, struct arena *a)
{
	static const struct texts none = {"--", "--",	   "--",      "-- / --",
					  "--", "-- / --", "-- / --", "--"};
	scoped(str) time = {0};
	struct texts t = none;

	if (!s->running)
		return t;
	time_duration(&time, (int64_t)s->cpu_ns);
	t.cpu = arena_printf(a, "%.2f%%", recent(s));
	t.average = arena_printf(a, "%.2f%%", average(s));
	t.time = arena_strdup(a, str_cstr(&time));
	t.memory = pair(a, s->memory, s->memory_limit, docker);
	t.memory_percent =
		arena_printf(a, "%.2f%%", percent((double)s->memory, (double)s->memory_limit));
	if (s->has_net || docker)
		t.net = pair(a, s->net_in, s->net_out, false);
	t.io = pair(a, s->io_read, s->io_written, false);
	t.pids = arena_printf(a, "%" PRIu64, s->pids);
	return t;
}

struct json *stats_fields(const struct stats_item *s, bool docker, bool no_trunc, struct arena *a)
{
	struct texts t = texts_of(s, docker, a);
	struct json *j = json_new(a, JSON_OBJ);
	const char *id = no_trunc ? s->id : arena_printf(a, "%.12s", s->id);
	const struct {
		const char *key, *value;
	} texts[] = {
		{"ID", id},
		{"Container", id},
		{"Name", s->name},
		{"CPUPerc", t.cpu},
		{"AVGCPU", t.average},
		{"MemUsage", t.memory},
		{"MemPerc", t.memory_percent},
		{"NetIO", t.net},
		{"BlockIO", t.io},
		{"PIDS", t.pids},
		{"PIDs", t.pids},
		{"UpTime", t.time},
		{"Up", t.time},
		{"MemUsageBytes", pair(a, s->memory, s->memory_limit, true)},
	};
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{"CPUNano", s->cpu_ns},
		{"CPUSystemNano", s->system_ns},
		{"SystemNano", (uint64_t)s->now_ns},
		{"MemLimit", s->memory_limit},
		{"BlockInput", s->io_read},
		{"BlockOutput", s->io_written},
		{"Duration", s->cpu_ns},
	};

	for (size_t i = 0; i < countof(texts); i++)
		json_set_str(a, j, texts[i].key, texts[i].value);
	for (size_t i = 0; i < countof(numbers); i++)
		json_set_int(a, j, numbers[i].key, (int64_t)numbers[i].value);
	json_set_str(a, j, "ContainerID", s->id);
	json_set_str(a, j, "CPU", arena_printf(a, "%.2f", s->running ? recent(s) : 0));
	json_set_str(a, j, "AvgCPU", arena_printf(a, "%.2f", s->running ? average(s) : 0));
	struct json *net = json_new(a, JSON_OBJ);
	json_set_str(a, net, "Received", size(a, s->net_in));
	json_set_str(a, net, "Sent", size(a, s->net_out));
	json_set(a, j, "Network", net);
	return j;
}

struct json *stats_object(const struct stats_item *s, struct arena *a)
{
	struct texts t = texts_of(s, false, a);
	struct json *j = json_new(a, JSON_OBJ);

	json_set_str(a, j, "id", arena_printf(a, "%.12s", s->id));
	json_set_str(a, j, "name", s->name);
	json_set_str(a, j, "cpu_time", t.time);
	json_set_str(a, j, "cpu_percent", t.cpu);
	json_set_str(a, j, "avg_cpu", t.average);
	json_set_str(a, j, "mem_usage", t.memory);
	json_set_str(a, j, "mem_percent", t.memory_percent);
	json_set_str(a, j, "net_io", t.net);
	json_set_str(a, j, "block_io", t.io);
	json_set_str(a, j, "pids", t.pids);
	return j;
}
