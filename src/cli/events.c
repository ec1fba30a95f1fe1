#include "base/base.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/moment.h"
#include "data/template.h"
#include "engine/events.h"

struct events_opts {
	struct strs filters;
	const char *format, *since, *until;
	bool no_trunc, stream;
};

#define TO(kind, field) OPT_TO(kind, struct events_opts, field)
static const struct opt events_rows[] = {
	{"filter", 'f', TO(OPT_STRS, filters), "KEY=VALUE",
	 "Only events of this container, image, volume, network, secret, label, type or event"},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL,
	 "Whole IDs (default); --no-trunc=false cuts them"},
	{"since", 0, TO(OPT_STR, since), "TIME", "Begin with what happened after this time"},
	{"stream", 0, TO(OPT_BOOL, stream), NULL,
	 "Go on as events come (default); --stream=false ends with the last one there is"},
	{"until", 0, TO(OPT_STR, until), "TIME", "End at this time, past or to come"},
	{0},
};
#undef TO

static const struct events_opts defaults = {.no_trunc = true, .stream = true};

struct printer {
	struct cli *c;
	const struct events_opts *o;
	const struct template *t;
	bool json;
	struct err *e;
};

/* As Go prints a time.Time: "2026-01-02 03:04:05.123456789 +0000 UTC", zeros at the end left out. */
static void print_time(struct out *out, int64_t ns, bool docker)
{
	char when[32], zone[48], frac[16];
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;

	if (!localtime_r(&s, &tm))
		return;
	strftime(when, sizeof when, docker ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(frac, sizeof frac, ".%09" PRId64, ns % 1000000000);
	if (docker) {
		strftime(zone, sizeof zone, "%z", &tm);
		if (tm.tm_gmtoff == 0)
			out_printf(out, "%s%sZ", when, frac);
		else
			out_printf(out, "%s%s%.3s:%s", when, frac, zone, zone + 3);
		return;
	}
	strftime(zone, sizeof zone, "%z %Z", &tm);
	for (size_t n = strlen(frac); n && (frac[n - 1] == '0' || frac[n - 1] == '.'); n--)
		frac[n - 1] = '\0';
	out_printf(out, "%s%s %s", when, frac, zone);
}

static void print_pairs(struct out *out, const struct pairs *p, const char *sep)
{
	for (size_t i = 0; i < p->n; i++) {
		out_text(out, sep);
		out_escaped(out, p->v[i].k);
		out_text(out, "=");
		out_escaped(out, p->v[i].v);
		sep = ", ";
	}
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->k, ((const struct pair *)b)->k);
}

static void print_docker(struct printer *p, const struct events_item *it)
{
	struct out *out = &p->c->out;
	const struct json *j = event_docker_object(it);
	struct pairs all;

	print_time(out, it->ev->time, true);
	out_text(out, " ");
	out_escaped(out, it->ev->type);
	out_text(out, " ");
	out_escaped(out, json_str(j, "Action"));
	out_text(out, " ");
	out_escaped(out, json_str(json_get(j, "Actor"), "ID"));
	event_attributes(it, &all);
	if (all.n) {
		qsort(all.v, all.n, sizeof *all.v, by_key);
		out_text(out, " (");
		print_pairs(out, &all, "");
		out_text(out, ")");
	}
	out_text(out, "\n");
}

static void word(struct printer *p, const char *s, int max)
{
	char cut[72];

	if (!*s)
		return;
	out_text(&p->c->out, " ");
	if (max && !p->o->no_trunc) {
		snprintf(cut, sizeof cut, "%.*s", str_starts(s, "sha256:") ? max + 7 : max, s);
		s = cut;
	}
	out_escaped(&p->c->out, s);
}

/* podman's lines: containers with all that is known of them in parentheses, networks with the container, others with their name. */
static void print_line(struct printer *p, const struct events_item *it)
{
	const struct event_record *ev = it->ev;
	struct out *out = &p->c->out;

	print_time(out, ev->time, false);
	word(p, ev->type, 0);
	word(p, it->action, 0);
	if (!strcmp(ev->type, "container")) {
		word(p, ev->id, 12);
		out_text(out, " (");
		if (*ev->id) { /* it is about one container */
			out_text(out, "image=");
			out_escaped(out, ev->image);
			out_text(out, ", name=");
			out_escaped(out, ev->name);
		}
		if (ev->has_code)
			out_printf(out, ", exitCode=%" PRId64, ev->code);
		print_pairs(out, &ev->attributes, *ev->id ? ", " : "");
		print_pairs(out, &ev->labels, ", ");
		out_text(out, ")");
	} else if (!strcmp(ev->type, "network")) {
		word(p, ev->id, 12);
		out_text(out, " (");
		if (pairs_get(&ev->attributes, "container"))
			out_printf(out, "container=%.*s, ", p->o->no_trunc ? 64 : 12,
				   pairs_get(&ev->attributes, "container"));
		out_text(out, "name=");
		out_escaped(out, ev->name);
		out_text(out, ")");
	} else {
		word(p, ev->id, 12);
		word(p, ev->name, 0);
	}
	out_text(out, "\n");
}

static int print_event(void *arg, const struct events_item *it)
{
	struct printer *p = arg;
	bool docker = p->c->called == CALLED_DOCKER;
	scoped(str) text = {0};

	if (p->json)
		json_write(&text, docker ? event_docker_object(it) : event_object(it), 0);
	else if (p->t && template_run(p->t, event_fields(it), it->arena, &text, p->e) < 0)
		return -EINVAL;
	if (p->json || p->t) {
		str_addc(&text, '\n');
		out_bytes(&p->c->out, text.s, text.len);
	} else if (docker) {
		print_docker(p, it);
	} else {
		print_line(p, it);
	}
	return p->c->out.failed ? -p->c->out.failed : 0;
}

static int print_idle(void *arg)
{
	struct printer *p = arg;

	return out_flush(&p->c->out, p->e);
}

static struct json *sample_in(struct arena *a)
{
	const struct event_record ev = {
		.type = "", .action = "", .id = "", .name = "", .image = ""};

	return event_fields(&(struct events_item){&ev, "", a});
}

static struct json *sample(struct cli *c)
{
	return sample_in(&c->arena);
}

static int make_printer(struct printer *p, struct err *e)
{
	const char *f = p->o->format;

	p->json = f && (!strcmp(f, "json") || !strcmp(f, "{{json .}}"));
	if (str_is_empty(f) || p->json)
		return 0;
	p->t = template_parse(&p->c->arena, f, e);
	return p->t ? template_check(p->t, sample_in(&p->c->arena), e) : -EINVAL;
}

static int events_run(struct cli *c, void *opts, struct err *e)
{
	struct events_opts *o = opts;
	struct printer p = {.c = c, .o = o, .e = e};
	struct events_query q = {
		.filters = o->filters, .docker = c->called == CALLED_DOCKER, .follow = o->stream};
	const struct events_sink sink = {print_event, print_idle, &p, c->out.fd};
	scoped(home) h = {.fd = -1};
	bool missed = false;
	int r = make_printer(&p, e);

	if (r == 0)
		r = moment_opt(c, "since", o->since, &q.has_since, &q.since, e);
	if (r == 0)
		r = moment_opt(c, "until", o->until, &q.has_until, &q.until, e);
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = events_show(&h, &q, &sink, &missed, e);
	if (missed)
		cli_warn(c, "events came faster than they were read; some are missing above");
	return r;
}

const struct command cmd_events = {
	.name = "events",
	.aliases = "system events",
	.group = "System",
	.summary = "Show what happens to containers, images, volumes and networks",
	.description =
		"Prints a line for each event, and goes on as they come until it is interrupted; "
		"with "
		"--since or --until those of the past first. There is no daemon: whatever "
		"hoy does is written to the file events in the store by the process that does it. "
		"The file "
		"holds 1 MB, and the megabyte before that is kept: some 8000 events.\n\n"
		"TIME is as for hoy logs: 2026-01-31T12:00:00 (with Z or an offset, or else local "
		"time), seconds since 1970, or a duration before now (10m); -10m is ten minutes "
		"from "
		"now, and so is --until 10m when called podman.\n\n"
		"Events of containers: create init start attach exec exec_died stop kill restart "
		"pause unpause update rename top copy commit export health_status oom died "
		"mount "
		"unmount prune remove. Of images: pull pull-error push build load import save tag "
		"untag mount "
		"unmount prune remove. Of networks: create connect disconnect update reload prune "
		"remove. Of "
		"volumes: create mount unmount export import prune remove. Of secrets: create "
		"remove. Of the system: prune. --filter event= "
		"takes docker's words as well (die, destroy, exec_start, delete), and called "
		"docker they are "
		"printed. Of the command of an exec only the program's name is written down: the "
		"rest may be "
		"secret.\n\n"
		"Filters of one key are alternatives, except labels; those of different keys must "
		"all "
		"fit. image= fits events of the image and of its containers.\n\n"
		"--format takes json (one object a line, podman's or docker's), or a template of "
		".ID .Type .Status .Action .Actor.ID .Actor.Attributes .Attributes .Name .Image "
		".From .Network "
		".ContainerExitCode .HealthStatus .OOMKilled .Error .PodID .Scope .Time .TimeNano.",
	.examples =
		"hoy events --stream=false\nhoy events --since 10m --until 1m --filter event=died\n"
		"hoy events --stream=false --format '{{.Type}} {{.Status}} {{.Name}}'",
	.opts = events_rows,
	.opts_size = sizeof(struct events_opts),
	.defaults = &defaults,
	.run = events_run,
	.sample = sample,
};
