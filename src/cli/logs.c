#include "base/base.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/moment.h"
#include "engine/list.h"
#include "engine/logs.h"

struct logs_opts {
	bool follow, timestamps, names, latest, details, color;
	const char *tail, *since, *until;
};

/* podman's -n is --names, docker's is --tail. */
#define TO(kind, field) OPT_TO(kind, struct logs_opts, field)
#define ROWS(tail_letter, names_letter)                                                            \
	{"color", 0, TO(OPT_BOOL, color), NULL,                                                    \
	 "Give the IDs or names of several containers colors of their own"},                       \
		{"details", 0, TO(OPT_BOOL, details), NULL,                                        \
		 "Before each line put the labels and variables that the log's options name"},     \
		{"follow", 'f', TO(OPT_BOOL, follow), NULL,                                        \
		 "Go on as the container writes, until it ends"},                                  \
		{"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container"},               \
		{"names", names_letter, TO(OPT_BOOL, names), NULL,                                 \
		 "Put names before the lines of several containers, not IDs"},                     \
		{"since", 0, TO(OPT_STR, since), "TIME", "Only what was written after this time"}, \
		{"tail", tail_letter, TO(OPT_STR, tail), "LINES",                                  \
		 "Only the last lines of each container (default: all)"},                          \
		{"timestamps", 't', TO(OPT_BOOL, timestamps), NULL,                                \
		 "Put the time before each line"},                                                 \
		{"until", 0, TO(OPT_STR, until), "TIME",                                           \
		 "Only what was written before this time"},                                        \
	{                                                                                          \
		0                                                                                  \
	}
static const struct opt logs_rows[] = {ROWS('n', 0)};
static const struct opt podman_rows[] = {ROWS(0, 'n')};
#undef ROWS
#undef TO

struct printer {
	struct cli *c;
	const struct logs_opts *o;
	struct logs_source *v;
	size_t n;
	struct out err;
	bool midline[2]; /* of what was printed, by stream */
	size_t by[2];	 /* whose line it is */
};

/* The two streams often end on one terminal: what came first is written first. */
static struct out *stream(struct printer *p, bool is_stderr)
{
	struct out *mine = is_stderr ? &p->err : &p->c->out;
	struct out *other = is_stderr ? &p->c->out : &p->err;
	struct err ignored;

	if (other->buf.len)
		out_flush(other, &ignored);
	return mine;
}

static int failed(const struct printer *p)
{
	return p->c->out.failed ? -p->c->out.failed : p->err.failed ? -p->err.failed : 0;
}

/* Red to cyan, then their light forms: neither black nor white, which may be the background. */
static void print_whose(const struct printer *p, struct out *out, size_t which)
{
	const size_t k = which % 12;

	if (p->o->color)
		out_printf(out, "\033[%zum", (k < 6 ? 31 : 91) + k % 6);
	if (p->o->names)
		out_text(out, p->v[which].name);
	else
		out_printf(out, "%.12s", p->v[which].id);
	out_text(out, p->o->color ? "\033[0m " : " ");
}

static int print_line(void *arg, size_t which, bool is_stderr, const char *when)
{
	struct printer *p = arg;
	struct out *out = stream(p, is_stderr);

	if (p->midline[is_stderr] && p->by[is_stderr] != which)
		out_text(out, "\n");
	p->by[is_stderr] = which;
	if (p->n > 1)
		print_whose(p, out, which);
	if (p->o->timestamps && *when)
		out_printf(out, "%s ", when);
	if (p->v[which].details.len) {
		out_escaped(out, p->v[which].details.s);
		out_text(out, " ");
	}
	return failed(p);
}

static int print_text(void *arg, size_t which, bool is_stderr, const char *s, size_t n)
{
	struct printer *p = arg;
	struct out *out = stream(p, is_stderr);

	if (p->midline[is_stderr] &&
	    p->by[is_stderr] != which) { /* the rest of a line of its own */
		out_text(out, "\n");
		p->by[is_stderr] = which;
	}
	out_bytes(out, s, n);
	p->midline[is_stderr] = s[n - 1] != '\n';
	return failed(p);
}

static int print_idle(void *arg)
{
	struct printer *p = arg;
	struct err ignored;

	out_flush(&p->c->out, &ignored);
	out_flush(&p->err, &ignored);
	return failed(p);
}

static int make_query(const struct cli *c, const struct logs_opts *o, struct logs_query *q,
		      struct err *e)
{
	*q = (struct logs_query){.follow = o->follow, .times = o->timestamps, .tail = -1};
	if (!str_is_empty(o->tail) && strcmp(o->tail, "all") != 0 &&
	    parse_i64(o->tail, INT64_MIN, INT64_MAX, &q->tail) < 0) {
		err_fail(e, ERR_USAGE, "--tail \"%.60s\" is not a number of lines", o->tail);
		return err_hint(e, "give a number, or all");
	}
	if (q->tail < 0)
		q->tail = -1;
	int r = moment_opt(c, "since", o->since, &q->has_since, &q->since, e);
	return r < 0 ? r : moment_opt(c, "until", o->until, &q->has_until, &q->until, e);
}

static int read_logs(struct cli *c, const struct logs_opts *o, const struct logs_query *q,
		     struct logs_source *v, struct err *e)
{
	struct printer p = {.c = c, .o = o, .v = v, .n = c->nargs};
	const struct logs_sink sink = {print_line, print_text, print_idle, &p, c->out.fd};
	struct err last = {0};

	out_init(&p.err, 2);
	int r = logs_read(v, c->nargs, q, &sink, e);
	int w = out_flush(&c->out, &last); /* what we could not write is why we stopped */
	if (w == 0)
		w = out_flush(&p.err, &last);
	if (w < 0)
		*e = last;
	out_free(&p.err);
	return w < 0 ? w : r;
}

static int logs_run(struct cli *c, void *opts, struct err *e)
{
	struct logs_opts *o = opts;
	struct logs_query q;
	scoped(home) h = {.fd = -1};
	const char *latest;
	int r = make_query(c, o, &q, e);

	if (r < 0)
		return r;
	if (o->latest == (c->nargs > 0)) {
		err_fail(e, ERR_USAGE,
			 o->latest ? "--latest takes no container names"
				   : "logs needs at least one container");
		return err_hint(e, "give names or IDs, see: hoy ps -a");
	}
	r = home_open(&h, c->root, e);
	if (r == 0 && o->latest) {
		r = container_newest(&h, &c->arena, &latest, e);
		c->args = arena_alloc(&c->arena, 2 * sizeof *c->args);
		c->args[0] = r < 0 ? NULL : arena_strdup(&c->arena, latest);
		c->nargs = 1;
	}
	if (r < 0)
		return r;
	struct logs_source *v = arena_alloc(&c->arena, c->nargs * sizeof *v);
	for (size_t i = 0; i < c->nargs; i++)
		v[i] = (struct logs_source){.files.dir = -1, .sup = -1, .journal.fd = -1};
	for (size_t i = 0; i < c->nargs && r == 0; i++)
		r = logs_open(&h, c->args[i], o->details, &v[i], e);
	if (r == 0)
		r = read_logs(c, o, &q, v, e);
	for (size_t i = 0; i < c->nargs; i++) {
		if (v[i].files.missed)
			cli_warn(c,
				 "%s: its log was rotated faster than it was read; some of it is "
				 "missing above",
				 v[i].name);
		logs_close(&v[i]);
	}
	return r;
}

const struct command cmd_logs = {
	.name = "logs",
	.aliases = "container logs",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Show what containers have written",
	.description =
		"Gives back the output of containers byte for byte: standard output on standard "
		"output, standard error on standard error. A container with a terminal has one "
		"stream only. With several containers each line begins with the ID, or the name "
		"with --names.\n\n"
		"TIME is as in 2026-01-31T12:00:00 (with Z or an offset, or else local time), "
		"2026-01-31, seconds since 1970, or a duration before now (10m, 1h30m). --tail "
		"counts first, then --since and --until select among those lines.\n\n"
		"The short flag -n is --tail, as in docker. Called by the name podman, it is "
		"--names, as there.\n\n"
		"What is kept is said by --log-driver and --log-opt of hoy run. The default, "
		"local, is a "
		"form of hoy's own: it costs 5 or 6 bytes a line, where k8s-file costs 41, keeps "
		"every byte and the "
		"time to the microsecond, and is bounded: 5 files of 20 MB (max-size=, max-file=; "
		"max-size=-1: no "
		"bound). k8s-file and json-file (docker's) are for programs that read "
		"such files; they have "
		"no bound of their own, and k8s-file is the default where path=FILE names the "
		"file. Called "
		"podman, json-file is k8s-file, as there. A file of JSON holds text: bytes that "
		"are "
		"no UTF-8 "
		"become U+FFFD. journald hands each line to the system's journal, from where "
		"journalctl gives it "
		"back. With passthrough the container writes to what the command that started it "
		"has as its "
		"output, and with none nothing is "
		"kept. Logs of all forms are read, also of one that was begun by an older "
		"release.\n\n"
		"A full disk never holds up a container: what could not be written is counted, "
		"attached clients are "
		"told at once, and a line of the log says how much is missing as soon as there is "
		"room again.",
	.examples = "hoy logs web\nhoy logs -f --tail 20 web\n"
		    "hoy logs -t --since 10m --names web db",
	.opts = logs_rows,
	.podman_opts = podman_rows,
	.opts_size = sizeof(struct logs_opts),
	.run = logs_run,
	.complete = COMPLETE_CONTAINER,
};
