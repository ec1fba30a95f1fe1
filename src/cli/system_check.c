#include "base/base.h"
#include "cli/format.h"
#include "engine/repair.h"
#include "store/check.h"

struct check_opts {
	const char *format;
	bool force, full, quick, quiet, repair;
};

#define TO(kind, field) OPT_TO(kind, struct check_opts, field)
static const struct opt check_rows[] = {
	{"force", 'f', TO(OPT_BOOL, force), NULL,
	 "With --repair: remove images and containers that cannot be mended"},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"full", 0, TO(OPT_BOOL, full), NULL,
	 "Read all layers and blobs too and compare them with their digests (slow)"},
	{"max", 'm', OPT_STR, .value = "DURATION",
	 .help = "How old layers without an image may be (here, work that goes on is known)",
	 .flags = OPT_IGNORED},
	{"quick", 'q', TO(OPT_BOOL, quick), NULL,
	 "Do not read the contents of layers (the default)"},
	{"quiet", 0, TO(OPT_BOOL, quiet), NULL, "Print faults only, no summary"},
	{"repair", 'r', TO(OPT_BOOL, repair), NULL, "Mend what can be mended"},
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
	out_printf(&c->out,
		   "clean: %zu images, %zu names, %zu layers, %zu blobs, %zu containers, "
		   "%zu volumes\n",
		   r->images, r->names, r->layers, r->blobs, r->containers, r->volumes);
	if (left)
		out_text(&c->out, "The next command that writes removes the leftovers.\n");
}

static int look(const struct home *h, bool full, struct check_report *r, struct err *e)
{
	int k = store_check(h, r, e);

	if (k == 0)
		volumes_check(h, r);
	return k == 0 && full ? store_check_contents(h, r, e) : k;
}

static bool has(const struct check_report *r, const struct check_finding *f)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i].kind, f->kind) && !strcmp(r->v[i].name, f->name) &&
		    !strcmp(r->v[i].problem, f->problem))
			return true;
	return false;
}

/* Mends, and looks again: what is gone is printed as repaired, r becomes what is left. */
static int repair(struct cli *c, const struct home *h, const struct check_opts *o,
		  struct check_report *r, struct err *e)
{
	scoped(check_report) before = *r;

	*r = (struct check_report){0};
	int k = before.n ? store_repair(h, &before, o->force, e) : 0;
	if (k == 0)
		k = look(h, o->full, r, e);
	for (size_t i = 0; i < before.n && k == 0 && !o->format; i++) {
		const struct check_finding *f = &before.v[i];
		if (has(r, f))
			continue;
		out_printf(&c->out, "repaired: %s ", f->kind);
		out_escaped(&c->out, f->name);
		out_text(&c->out, ": ");
		out_escaped(&c->out, f->problem);
		out_text(&c->out, "\n");
	}
	return k;
}

static int check_options(const struct check_opts *o, struct err *e)
{
	if (o->quick && o->full)
		err_fail(e, ERR_USAGE, "--quick and --full exclude each other");
	else if (o->force && !o->repair)
		err_fail(e, ERR_USAGE, "--force is for --repair");
	else
		return 0;
	return err_hint(e, "hoy system check --help explains them");
}

static int check_run(struct cli *c, void *opts, struct err *e)
{
	struct check_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(check_report) r = {0};
	int k = check_options(o, e);

	if (k == 0)
		k = home_open(&h, c->root, e);
	if (k == 0)
		k = look(&h, o->full, &r, e);
	if (k == 0 && o->repair)
		k = repair(c, &h, o, &r, e);
	if (k == 0 && o->format)
		k = print_formatted(c, &r, o->format, e);
	else if (k == 0)
		print_text(c, &r, o->quiet);
	if (k < 0 || !r.faults)
		return k;
	err_fail(e, ERR_STORE_DAMAGED, "the store %s has %zu fault%s", h.path, r.faults,
		 r.faults > 1 ? "s" : "");
	return err_hint(e, o->force    ? "remove the images or containers that are named and make "
					 "them again"
			   : o->repair ? "hoy system check --repair --force removes what cannot be "
					 "mended"
				       : "hoy system check --repair mends what can be mended");
}

const struct command cmd_system_check = {
	.name = "system check",
	.group = "System",
	.summary = "Check that the store is whole",
	.description =
		"Looks at every image, name, layer, blob, container and volume of the store and "
		"prints what is wrong, "
		"one fault a line. Without --repair nothing is changed.\n\n"
		"--repair makes missing layers again from their kept blobs, finds lost links "
		"of images, and takes away names of nothing and leftovers; with --full, also "
		"layers and blobs whose contents have changed. Images and containers that "
		"cannot be mended stay, unless --force is given. Other commands may work "
		"meanwhile.\n\n"
		"Leftovers of processes that were killed are no faults: they are listed as "
		"such, and the next "
		"command that writes removes them.",
	.examples = "hoy system check\nhoy system check --repair",
	.exits = "0 no faults\n125 faults were found",
	.opts = check_rows,
	.opts_size = sizeof(struct check_opts),
	.run = check_run,
	.sample = sample,
};
