#include "base/base.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "engine/reset.h"

struct reset_opts {
	bool force, dry_run;
};

#define TO(kind, field) OPT_TO(kind, struct reset_opts, field)
static const struct opt reset_rows[] = {
	{"dry-run", 0, TO(OPT_BOOL, dry_run), NULL, "Only print what would be removed"},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "Do not ask"},
	{0},
};
#undef TO

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void describe(const struct home *h, const struct reset_plan *p, struct str *out)
{
	str_addf(out, "%zu container%s", p->containers, plural(p->containers));
	if (p->running)
		str_addf(out, " (%zu running)", p->running);
	str_addf(out, ", %zu image%s, ", p->images, plural(p->images));
	size_human(out, (uint64_t)p->bytes);
	str_addf(out, " in %s", h->path);
}

static void print_foreign(struct cli *c, const struct home *h, const struct reset_plan *p)
{
	for (size_t i = 0; i < p->foreign.n; i++)
		cli_note(c, "%s/%s is not hoy's: it stays", h->path, p->foreign.v[i]);
}

static int remove_all(struct cli *c, const struct home *h, const struct reset_opts *o,
		      const struct reset_plan *p, struct err *e)
{
	scoped(str) what = {0};
	int r = 1;

	describe(h, p, &what);
	if (o->dry_run) {
		out_text(&c->out, "Would remove ");
	} else if (!o->force) {
		autofree char *warning =
			xasprintf("This will end all containers and remove %s.", str_cstr(&what));
		r = confirm(warning, "hoy system reset --force", e);
	}
	if (r > 0 && !o->dry_run)
		r = reset_run(h, e) < 0 ? -e->code : 1;
	if (r <= 0)
		return r;
	if (!o->dry_run)
		out_text(&c->out, "Removed ");
	out_escaped(&c->out, str_cstr(&what));
	out_text(&c->out, "\n");
	print_foreign(c, h, p);
	return 0;
}

static int reset_command(struct cli *c, void *opts, struct err *e)
{
	const struct reset_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(reset_plan) p = {0};
	int r = home_open_existing(&h, c->root, e);

	if (r < 0 && e->code == ENOENT) {
		*e = (struct err){0};
		p.nothing = true;
		r = 0;
	} else if (r == 0) {
		r = reset_plan(&h, &p, e);
	}
	if (r < 0)
		return r;
	if (!p.nothing)
		return remove_all(c, &h, o, &p, e);
	out_text(&c->out, "There is no store: nothing to remove\n");
	return 0;
}

const struct command cmd_system_reset = {
	.name = "system reset",
	.group = "System",
	.summary = "Remove all containers, images and everything else in the store",
	.description =
		"Kills all containers and removes the store with everything in it, files of other "
		"user ids included, which rm -rf cannot remove. It asks first.\n\n"
		"Only a directory is touched that belongs to you and carries the mark of a store "
		"(the file hoy-store); in it, only what hoy has made. Your home directory and "
		"those "
		"above it are refused. If it is interrupted, the same command finishes the work.",
	.examples = "# What would go\nhoy system reset --dry-run\n# Without a question\n"
		    "hoy system reset -f",
	.opts = reset_rows,
	.opts_size = sizeof(struct reset_opts),
	.run = reset_command,
};
