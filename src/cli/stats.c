#include "base/base.h"
#include "cli/format.h"
#include "engine/container.h"
#include "engine/list.h"
#include "engine/stats.h"

struct stats_opts {
	bool all, latest, no_stream, no_reset, no_trunc;
	int64_t interval;
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct stats_opts, field)
static const struct opt stats_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Show all containers, not only those that run"},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json",
	 COMPLETE_FORMAT},
	{"interval", 'i', TO(OPT_INT, interval), "SECONDS",
	 "Time between two looks (default 5; docker: 1)"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container"},
	{"no-reset", 0, TO(OPT_BOOL, no_reset), NULL,
	 "Do not clear the terminal between two looks"},
	{"no-stream", 0, TO(OPT_BOOL, no_stream), NULL, "Look once and end"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL, "Show whole IDs", .aliases = "notruncate"},
	{0},
};
#undef TO

static const struct stats_opts stats_defaults = {.interval = 5};

static const char *const podman_headers[] = {
	"CPUPerc", "CPU %",    "MemUsage", "MEM USAGE / LIMIT", "MemPerc",
	"MEM %",   "NetIO",    "NET IO",   "BlockIO",		"BLOCK IO",
	"UpTime",  "CPU TIME", "AVGCPU",   "AVG CPU %",		NULL,
};
static const char *const docker_headers[] = {
	"ID",	   "CONTAINER ID", "CPUPerc", "CPU %",	 "MemUsage", "MEM USAGE / LIMIT",
	"MemPerc", "MEM %",	   "NetIO",   "NET I/O", "BlockIO",  "BLOCK I/O",
	"PIDs",	   "PIDS",	   NULL,
};
#define COLUMNS                                                                                    \
	"{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}"  \
	"\t"                                                                                       \
	"{{.PIDs}}"

static struct json *sample(struct cli *c)
{
	const struct stats_item none = {.id = "", .name = ""};

	return stats_fields(&none, c->called == CALLED_DOCKER, false, &c->arena);
}

static int print(struct cli *c, const struct stats_opts *o, const struct stats_list *l,
		 struct arena *a, struct err *e)
{
	bool docker = c->called == CALLED_DOCKER;
	const struct format_list f = {
		.columns = docker ? COLUMNS : COLUMNS "\t{{.UpTime}}\t{{.AVGCPU}}",
		.headers = docker ? docker_headers : podman_headers,
		.json_fields = "BlockIO CPUPerc Container ID MemPerc MemUsage Name NetIO PIDs",
	};
	struct json *fields = json_new(a, JSON_ARR), *objects = json_new(a, JSON_ARR);

	for (size_t i = 0; i < l->n; i++) {
		json_add(a, fields, stats_fields(&l->v[i], docker, o->no_trunc, a));
		json_add(a, objects, stats_object(&l->v[i], a));
	}
	return format_list(c, &f, o->format, true, sample(c), fields, objects, e);
}

static void say_how(const struct cli *c, const struct stats_list *l)
{
	if (l->by_processes)
		cli_note(c,
			 "%zu of these have no cgroup of their own: what is shown is the sum of "
			 "their "
			 "processes",
			 l->by_processes);
}

static bool any_runs(const struct stats_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].running)
			return true;
	return false;
}

/* Some have been removed since the look before: the others are looked at. */
static int without_gone(const struct home *h, const struct strs *names, struct arena *a,
			struct strs *ret, struct err *e)
{
	char id[CONTAINER_ID_LEN + 1];

	*ret = (struct strs){0};
	for (size_t i = 0; i < names->n; i++) {
		*e = (struct err){.exit = EXIT_ENGINE};
		if (container_resolve(h, names->v[i], id, e) == 0)
			strs_add(a, ret, names->v[i]);
		else if (e->id != ERR_CONTAINER_UNKNOWN)
			return -e->code;
	}
	*e = (struct err){.exit = EXIT_ENGINE};
	return 0;
}

/* Looks again and again. Two arenas: the sample before is needed for the percentages. */
static int watch(struct cli *c, const struct home *h, const struct stats_opts *o,
		 const struct strs *asked, struct err *e)
{
	struct strs left = *asked, *names = &left;
	struct arena a[2] = {0};
	struct stats_list l[2] = {0};
	bool table = str_is_empty(o->format) || str_starts(o->format, "table");
	int r = 0;

	for (size_t i = 0; r == 0; i++) {
		size_t now = i % 2;
		arena_free(&a[now]);
		r = containers_stats(h, names, o->all, i ? &l[!now] : NULL, &a[now], &l[now], e);
		if (i && r < 0 && e->id == ERR_CONTAINER_UNKNOWN) {
			r = without_gone(h, asked, &c->arena, names, e);
			if (r < 0 || !names->n)
				break;
			r = containers_stats(h, names, o->all, &l[!now], &a[now], &l[now], e);
		}
		if (r == 0 && i == 0 && table)
			say_how(c, &l[now]);
		if (r == 0 && !o->no_stream && !o->no_reset && table && isatty(1))
			out_text(&c->out, "\033[2J\033[H");
		if (r == 0)
			r = print(c, o, &l[now], &a[now], e);
		if (r < 0 || o->no_stream || (names->n && !any_runs(&l[now])))
			break;
		r = out_flush(&c->out, e);
		if (r == 0)
			usleep((useconds_t)(o->interval * 1000000));
	}
	arena_free(&a[0]);
	arena_free(&a[1]);
	return r;
}

static int stats_run(struct cli *c, void *opts, struct err *e)
{
	struct stats_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct strs names = {0};
	const char *newest;

	if (o->interval < 1 || o->interval > 3600) {
		err_fail(e, ERR_USAGE, "--interval %" PRId64 " cannot be", o->interval);
		return err_hint(e, "seconds, from 1 to 3600");
	}
	if (c->called == CALLED_DOCKER && !cli_given(c, "interval"))
		o->interval = 1;
	if (c->nargs && (o->all || o->latest))
		return err_fail(e, ERR_USAGE, "--%s takes no container names",
				o->all ? "all" : "latest");
	int r = home_open(&h, c->root, e);
	for (size_t i = 0; i < c->nargs; i++)
		strs_add(&c->arena, &names, c->args[i]);
	if (r == 0 && o->latest) {
		r = container_newest(&h, &c->arena, &newest, e);
		if (r == 0)
			strs_add(&c->arena, &names, newest);
	}
	return r < 0 ? r : watch(c, &h, o, &names, e);
}

const struct command cmd_stats = {
	.name = "stats",
	.aliases = "container stats",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Show what containers use",
	.description =
		"Shows processor time, memory, network and disk traffic and the number of "
		"processes "
		"of the containers that run, again and again, or once with --no-stream. The first "
		"look shows the processor's share since the start of the container, the "
		"following ones that since the look before.\n\n"
		"A container that has a cgroup of its own is read from there: memory without what "
		"the kernel could give back at once. Others are the sum of their processes, which "
		"is said: memory is what each has for itself, and the largest shared part; time "
		"of processes that have ended counts as far as a parent waited for them.",
	.examples =
		"hoy stats --no-stream\nhoy stats --no-stream --format '{{.Name}} {{.MemUsage}}'\n"
		"hoy stats --no-stream --format json web",
	.opts = stats_rows,
	.opts_size = sizeof(struct stats_opts),
	.defaults = &stats_defaults,
	.complete = COMPLETE_RUNNING,
	.sample = sample,
	.run = stats_run,
};
