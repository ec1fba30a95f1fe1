#include "base/base.h"
#include "cli/format.h"
#include "engine/doctor.h"

struct doctor_opts {
	bool json, script, quiet;
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct doctor_opts, field)
static const struct opt doctor_rows[] = {
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE",
	 "Print with a Go template once per finding, or json"},
	{"json", 0, TO(OPT_BOOL, json), NULL, "Print a list of objects, as --format json"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Leave out what is fine"},
	{"script", 0, TO(OPT_BOOL, script), NULL,
	 "Print a shell script of the commands that help, and run nothing"},
	{0},
};
#undef TO

static struct json *finding_json(const struct doctor_finding *f, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);

	json_set_str(a, o, "Id", f->id);
	json_set_str(a, o, "Status", doctor_status_name(f->status));
	json_set_str(a, o, "Title", f->title);
	json_set_str(a, o, "Text", f->text);
	json_set_str(a, o, "Fix", f->fix);
	return o;
}

static struct json *sample(struct cli *c)
{
	static const struct doctor_finding none;

	return finding_json(&none, &c->arena);
}

/* A text as a comment of a script: one line, whatever is in it. */
static void out_comment(struct cli *c, const char *text)
{
	out_text(&c->out, "# ");
	out_escaped(&c->out, text);
	out_text(&c->out, "\n");
}

static void print_script(struct cli *c, const struct doctor *d)
{
	size_t n = 0;

	out_text(&c->out,
		 "#!/bin/sh\n# What hoy doctor advises for this machine. Read it first.\n");
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].status == DOCTOR_OK || !*d->v[i].fix)
			continue;
		out_text(&c->out, "\n");
		out_comment(c, d->v[i].text);
		out_printf(&c->out, "%s\n", d->v[i].fix);
		n++;
	}
	if (!n)
		out_text(&c->out, "\n# There is nothing to do.\n");
}

static void print_text(struct cli *c, const struct doctor *d, bool quiet)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->v[i];
		if (quiet && f->status == DOCTOR_OK)
			continue;
		out_printf(&c->out, "%-4s %-16s ", doctor_status_name(f->status), f->title);
		out_escaped(&c->out, f->text);
		out_text(&c->out, "\n");
		if (f->status != DOCTOR_OK && *f->fix)
			out_printf(&c->out, "     %-16s %s\n", "", f->fix);
	}
}

static int doctor_run(struct cli *c, void *opts, struct err *e)
{
	const struct doctor_opts *o = opts;
	static const char *const headers[] = {NULL};
	const struct format_list f = {
		.columns = "{{.Status}}\t{{.Title}}\t{{.Text}}\t{{.Fix}}",
		.headers = headers,
		.json_fields = "Fix Id Status Text Title",
	};
	struct json *list = json_new(&c->arena, JSON_ARR);
	const char *format = o->json ? "json" : o->format;
	bool failed = false;
	struct doctor *d = arena_alloc(&c->arena, sizeof *d);

	if (o->script && format)
		return err_fail(e, ERR_USAGE, "--script and --format exclude each other");
	int r = doctor_examine(c->root, d, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < d->n; i++) {
		failed |= d->v[i].status == DOCTOR_FAIL;
		if (!o->quiet || d->v[i].status != DOCTOR_OK)
			json_add(&c->arena, list, finding_json(&d->v[i], &c->arena));
	}
	if (o->script)
		print_script(c, d);
	else if (format)
		r = format_list(c, &f, format, false, sample(c), list, list, e);
	else
		print_text(c, d, o->quiet);
	return r < 0 ? r : failed;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.group = "System",
	.summary = "Try what containers need, and name the command that helps",
	.description =
		"Makes the namespaces and mounts that a container needs, in a process that ends, "
		"looks at limits, networks, the store and what is configured, and says for each "
		"OK, WARN (something will be missing or slower) or FAIL (containers will not "
		"work). Where a command helps, it stands below. Nothing is changed, and nothing "
		"written.\n\n"
		"--script prints these commands as a shell script, with the reasons as "
		"comments.\n\n"
		"--format takes .Id .Status .Title .Text .Fix.",
	.examples = "hoy doctor\nhoy doctor --script >fix.sh\nhoy doctor -q -f '{{.Id}}: {{.Fix}}'",
	.exits = "0 nothing fails\n1 something does",
	.opts = doctor_rows,
	.opts_size = sizeof(struct doctor_opts),
	.run = doctor_run,
	.sample = sample,
};
