/* pause, resume, update and events. */
#include "base/base.h"
#include "base/parse.h"
#include "cli/oci.h"
#include "engine/oci_change.h"

static int hold(struct cli *c, int (*verb)(const struct oci_container *, struct err *),
		struct err *e)
{
	struct oci_container ct = {.root = -1, .dir = -1};
	int r = oci_open(c->oci, c->args[0], &ct, e);

	if (r == 0)
		r = verb(&ct, e);
	oci_container_free(&ct);
	return r;
}

static int pause_run(struct cli *c, void *opts, struct err *e)
{
	(void)opts;
	return hold(c, oci_pause, e);
}

static int resume_run(struct cli *c, void *opts, struct err *e)
{
	(void)opts;
	return hold(c, oci_resume, e);
}

const struct command cmd_oci_pause = {
	.name = "oci pause",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Hold all processes of a container still",
	.description = "The freezer of its control group does it. The command returns when all of "
		       "them stand still.",
	.examples = "hoy oci pause c1",
	.exits = "0 they stand still\n1 the container does not exist, does not run, or has no "
		 "control group",
	.opts = (const struct opt[]){{0}},
	.opts_size = 1,
	.run = pause_run,
};

const struct command cmd_oci_resume = {
	.name = "oci resume",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Let the processes of a paused container go on",
	.description = "What `pause` holds still goes on.",
	.examples = "hoy oci resume c1",
	.exits = "0 they go on\n1 the container does not exist, or is not paused",
	.opts = (const struct opt[]){{0}},
	.opts_size = 1,
	.run = resume_run,
};

/* ---- update */

struct update_opts {
	const char *resources;
	const char *memory, *swap, *reservation, *kernel, *kernel_tcp;
	const char *shares, *quota, *period, *burst, *rt_runtime, *rt_period, *idle, *cpus, *mems;
	const char *pids, *weight;
	const char *l3, *bandwidth;
};

#define TO(field) OPT_TO(OPT_STR, struct update_opts, field)
static const struct opt update_rows[] = {
	{"resources", 'r', TO(resources), "FILE",
	 "Read linux.resources from this file; - is standard input", COMPLETE_FILE},
	{"memory", 0, TO(memory), "BYTES", "Limit of memory; -1: none"},
	{"memory-swap", 0, TO(swap), "BYTES", "Limit of memory and swap together; -1: none"},
	{"memory-reservation", 0, TO(reservation), "BYTES",
	 "What is left to it when memory is short"},
	{"kernel-memory", 0, TO(kernel), "BYTES", "Limit of the kernel's memory (cgroup v1)"},
	{"kernel-memory-tcp", 0, TO(kernel_tcp), "BYTES", "Limit of memory of TCP (cgroup v1)"},
	{"cpu-share", 0, TO(shares), "NUMBER", "Weight against others, 2 to 262144",
	 .aliases = "cpu-shares"},
	{"cpu-quota", 0, TO(quota), "MICROSECONDS", "CPU time in each period; -1: no limit"},
	{"cpu-period", 0, TO(period), "MICROSECONDS", "Length of a period"},
	{"cpu-burst", 0, TO(burst), "MICROSECONDS", "How much of the quota may be saved up"},
	{"cpu-rt-runtime", 0, TO(rt_runtime), "MICROSECONDS",
	 "CPU time in realtime in each period (cgroup v1)"},
	{"cpu-rt-period", 0, TO(rt_period), "MICROSECONDS",
	 "Length of a period of realtime (cgroup v1)"},
	{"cpu-idle", 0, TO(idle), "0|1", "1: run only when nothing else wants to"},
	{"cpuset-cpus", 0, TO(cpus), "LIST", "Processors to run on: 0-3,7"},
	{"cpuset-mems", 0, TO(mems), "LIST", "Memory nodes to use"},
	{"pids-limit", 0, TO(pids), "NUMBER", "Limit of processes and threads; -1: none"},
	{"blkio-weight", 0, TO(weight), "NUMBER", "Weight for disks, 10 to 1000"},
	{"l3-cache-schema", 0, TO(l3), "SCHEMA", "Refused: hoy does not divide caches (Intel RDT)"},
	{"mem-bw-schema", 0, TO(bandwidth), "SCHEMA",
	 "Refused: hoy does not divide bandwidth (Intel RDT)"},
	{0},
};
#undef TO

/* Where the value of a flag stands in linux.resources. */
struct part {
	const char *flag, *in, *key, *value;
	enum { BYTES, NUMBER, TEXT } kind;
};

static int number_of(const struct part *p, int64_t *ret, struct err *e)
{
	uint64_t size;
	bool bytes = p->kind == BYTES && strcmp(p->value, "-1") != 0;
	int r = bytes ? parse_size(p->value, &size)
		      : parse_i64(p->value, INT64_MIN, INT64_MAX, ret);

	if (r == 0 && bytes && size > INT64_MAX)
		r = -ERANGE;
	if (r == 0 && bytes)
		*ret = (int64_t)size;
	return r < 0 ? err_fail(e, ERR_USAGE, "invalid value for --%s: \"%s\"", p->flag, p->value)
		     : 0;
}

/* The flags as the JSON that --resources would have had. */
static int to_json(const struct update_opts *o, struct arena *a, struct str *ret, struct err *e)
{
	const struct part parts[] = {
		{"memory", "memory", "limit", o->memory, BYTES},
		{"memory-swap", "memory", "swap", o->swap, BYTES},
		{"memory-reservation", "memory", "reservation", o->reservation, BYTES},
		{"kernel-memory", "memory", "kernel", o->kernel, BYTES},
		{"kernel-memory-tcp", "memory", "kernelTCP", o->kernel_tcp, BYTES},
		{"cpu-share", "cpu", "shares", o->shares, NUMBER},
		{"cpu-quota", "cpu", "quota", o->quota, NUMBER},
		{"cpu-period", "cpu", "period", o->period, NUMBER},
		{"cpu-burst", "cpu", "burst", o->burst, NUMBER},
		{"cpu-rt-runtime", "cpu", "realtimeRuntime", o->rt_runtime, NUMBER},
		{"cpu-rt-period", "cpu", "realtimePeriod", o->rt_period, NUMBER},
		{"cpu-idle", "cpu", "idle", o->idle, NUMBER},
		{"cpuset-cpus", "cpu", "cpus", o->cpus, TEXT},
		{"cpuset-mems", "cpu", "mems", o->mems, TEXT},
		{"pids-limit", "pids", "limit", o->pids, NUMBER},
		{"blkio-weight", "blockIO", "weight", o->weight, NUMBER},
	};
	struct json *all = json_new(a, JSON_OBJ);

	for (size_t i = 0; i < countof(parts); i++) {
		const struct part *p = &parts[i];
		int64_t n = 0;
		if (!p->value)
			continue;
		int r = p->kind == TEXT ? 0 : number_of(p, &n, e);
		if (r < 0)
			return r;
		struct json *in = json_get(all, p->in);
		if (!in) {
			in = json_new(a, JSON_OBJ);
			json_set(a, all, p->in, in);
		}
		json_set(a, in, p->key,
			 p->kind == TEXT ? json_new_str(a, p->value) : json_new_int(a, n));
	}
	json_write(ret, all, 0);
	return all->obj.n;
}

static int read_file(const char *path, struct str *ret, struct err *e)
{
	bool in = !strcmp(path, "-");
	autoclose int fd = in ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, ret, 1 << 20);

	return r < 0 ? err_set(e, r, "read %s", in ? "standard input" : path) : 0;
}

static int update_run(struct cli *c, void *opts, struct err *e)
{
	const struct update_opts *o = opts;
	struct oci_container ct = {.root = -1, .dir = -1};
	scoped(str) flags = {0};
	scoped(str) file = {0};

	if (o->l3 || o->bandwidth) {
		err_fail(e, ERR_USAGE, "--%s: hoy does not divide caches and memory bandwidth",
			 o->l3 ? "l3-cache-schema" : "mem-bw-schema");
		return err_hint(e, "Intel RDT is set up in /sys/fs/resctrl; leave the flag out");
	}
	int n = to_json(o, &c->arena, &flags, e);
	if (n < 0)
		return n;
	if (n && o->resources)
		return err_fail(e, ERR_USAGE,
				"--resources says all that is to change; no other flag "
				"can stand beside it");
	if (!n && !o->resources)
		return err_fail(e, ERR_USAGE, "nothing is to be changed");
	int r = o->resources ? read_file(o->resources, &file, e) : 0;
	if (r == 0)
		r = oci_open(c->oci, c->args[0], &ct, e);
	if (r == 0)
		r = o->resources ? oci_update_text(&ct, str_cstr(&file), file.len,
						   str_eq(o->resources, "-") ? "standard input"
									     : o->resources,
						   e)
				 : oci_update_text(&ct, flags.s, flags.len, "the flags", e);
	oci_container_free(&ct);
	return r;
}

const struct command cmd_oci_update = {
	.name = "oci update",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Change what a container may use",
	.description =
		"What is not named stays as it is. A file has the form of linux.resources in "
		"config.json; its rules for devices are not applied, because other programs add "
		"theirs while a container runs. If one limit is refused, those before it have been "
		"changed.",
	.examples = "hoy oci update --memory 512m --memory-swap 1g c1\n"
		    "echo '{\"pids\": {\"limit\": 100}}' | hoy oci update --resources - c1",
	.exits = "0 it is changed\n1 the container does not exist or run, or a limit is refused",
	.opts = update_rows,
	.opts_size = sizeof(struct update_opts),
	.run = update_run,
};

/* ---- events */

struct events_opts {
	int64_t interval;
	bool stats;
};

static const struct opt events_rows[] = {
	{"interval", 0, OPT_TO(OPT_DURATION, struct events_opts, interval), "DURATION",
	 "Print what it uses this often (default 5s)"},
	{"stats", 0, OPT_TO(OPT_BOOL, struct events_opts, stats), NULL,
	 "Print what it uses once, and end"},
	{0},
};

static int print(void *ctx, const struct json *event, struct err *e)
{
	struct cli *c = ctx;
	scoped(str) text = {0};

	json_write(&text, event, 0);
	out_printf(&c->out, "%s\n", text.s);
	return out_flush(&c->out, e);
}

static int events_run(struct cli *c, void *opts, struct err *e)
{
	const struct events_opts *o = opts;
	struct oci_container ct = {.root = -1, .dir = -1};

	if (o->interval < 0)
		return err_fail(e, ERR_USAGE, "duration interval must be greater than 0");
	int r = oci_open(c->oci, c->args[0], &ct, e);
	if (r == 0 && oci_status(&ct) == OCI_STOPPED)
		r = err_fail(e, ERR_OCI_STATE, "container with id %s is not running", c->args[0]);
	else if (r == 0 && o->stats)
		r = print(c, oci_stats_event(&ct, &c->arena), e);
	else if (r == 0)
		r = oci_watch(&ct, o->interval ? o->interval : 5000000000, print, c, e);
	oci_container_free(&ct);
	return r;
}

const struct command cmd_oci_events = {
	.name = "oci events",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Print what a container uses, and that memory ran out",
	.description = "Each line is an object of JSON, in the form of runc: {\"type\":\"stats\"} "
		       "at each interval, {\"type\":\"oom\"} when the kernel has killed because "
		       "memory ran out. It ends with the container.",
	.examples = "hoy oci events --stats c1",
	.exits = "0 the container has ended, or the stats are printed\n1 it does not exist or run",
	.opts = events_rows,
	.opts_size = sizeof(struct events_opts),
	.run = events_run,
};
