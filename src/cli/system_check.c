#include "base/base.h"
#include "cli/format.h"
#include "store/check.h"

struct check_opts {
	const char *format;
	bool full, quiet;
};

#define TO(kind, field) OPT_TO(kind, struct check_opts, field)
static const struct opt check_rows[] = {
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"full", 0, TO(OPT_BOOL, full), NULL,
	 "Read all layers and blobs too and compare them with their digests (slow)"},
	{"quick", 'q', OPT_BOOL, .help = "Do not read the contents of layers (the default)",
	 .flags = OPT_IGNORED},
	{"quiet", 0, TO(OPT_BOOL, quiet), NULL, "Print faults only, no summary"},
	{0},
};
#undef TO

static struct json *to_json(const struct check_finding *f, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);

	json_set_str(a, o, "Kind", f->kind);
	json_set_str(a, o, "Name", f->name);
	json_set_str(a, o, "Problem", f->problem);
	json_set_bool(a, o, "Leftover", f->leftover);
	return o;
}

static struct json *sample(struct cli *c)
{
	return to_json(&(struct check_finding){.kind = "", .name = "", .problem = ""}, &c->arena);
}

static int print_formatted(struct cli *c, const struct check_report *r, const char *format,
			   struct err *e)
{
	static const struct format_list f = {.columns = "{{.Kind}}\t{{.Name}}\t{{.Problem}}"};
	struct json *l = json_new(&c->arena, JSON_ARR);

	for (size_t i = 0; i < r->n; i++)
		json_add(&c->arena, l, to_json(&r->v[i], &c->arena));
	return format_list(c, &f, format, true, sample(c), l, l, e);
}

static void print_text(struct cli *c, const struct check_report *r, bool quiet)
{
	size_t left = r->n - r->faults;

	for (size_t i = 0; i < r->n; i++) {
		const struct check_finding *f = &r->v[i];
		if (f->leftover && quiet)
			continue;
		out_printf(&c->out, "%s%s ", f->leftover ? "leftover: " : "", f->kind);
		out_escaped(&c->out, f->name);
		out_text(&c->out, ": ");
		out_escaped(&c->out, f->problem);
		out_text(&c->out, "\n");
	}
	if (quiet || r->faults)
		return;
	out_printf(&c->out, "clean: %zu images, %zu names, %zu layers, %zu blobs, %zu containers\n",
		   r->images, r->names, r->layers, r->blobs, r->containers);
	if (left)
		out_text(&c->out, "The next command that writes removes the leftovers.\n");
}

static int check_run(struct cli *c, void *opts, struct err *e)
{
	struct check_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(check_report) r = {0};
	int k = home_open(&h, c->root, e);

	if (k == 0)
		k = store_check(&h, &r, e);
	if (k == 0 && o->full)
		k = store_check_contents(&h, &r, e);
	if (k == 0 && o->format)
		k = print_formatted(c, &r, o->format, e);
	else if (k == 0)
		print_text(c, &r, o->quiet);
	if (k < 0 || !r.faults)
		return k;
	err_fail(e, ERR_STORE_DAMAGED, "the store %s has %zu fault%s", h.path, r.faults,
		 r.faults > 1 ? "s" : "");
	return err_hint(e, "remove the images or containers that are named and make them again");
}

const struct command cmd_system_check = {
	.name = "system check",
	.group = "System",
	.summary = "Check that the store is whole",
	.description = "Looks at every image, name, layer, blob and container of the store and "
		       "prints what is wrong, "
		       "one fault a line. Nothing is changed.\n\n"
		       "Leftovers of processes that were killed are no faults: they are listed as "
		       "such, and the next "
		       "command that writes removes them.",
	.examples = "hoy system check\nhoy system check --format json",
	.exits = "0 no faults\n125 faults were found",
	.opts = check_rows,
	.opts_size = sizeof(struct check_opts),
	.run = check_run,
	.sample = sample,
};
