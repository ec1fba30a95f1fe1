#include "base/base.h"
#include "cli/each.h"
#include "engine/depends.h"
#include "engine/remove.h"

struct rm_opts {
	struct each_which which;
	bool all, depend, dry, force, ignore, volumes;
	int64_t time;
};

#define TO(kind, field) OPT_TO(kind, struct rm_opts, field)
static const struct opt rm_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL,
	 "Remove all containers; running ones are refused without -f"},
	{"depend", 0, TO(OPT_BOOL, depend), NULL,
	 "Remove those first that require it or share its namespaces"},
	{"dry-run", 0, TO(OPT_BOOL, dry), NULL,
	 "Remove nothing: print what would go, and say what would be refused"},
	{"force", 'f', TO(OPT_BOOL, force), NULL,
	 "Kill running ones first; an unknown container is no error"},
	{"ignore", 'i', TO(OPT_BOOL, ignore), NULL, "An unknown container is no error"},
	{"time", 't', TO(OPT_INT, time), "SECONDS",
	 "With -f: give it this time to stop before it is killed"},
	{"volumes", 'v', TO(OPT_BOOL, volumes), NULL, "Remove its anonymous volumes too"},
	{.kind = OPT_TABLE, .offset = offsetof(struct rm_opts, which), .sub = each_which_rows_rm},
	{0},
};
#undef TO

static int rm_one(struct cli *c, struct home *h, struct container *ct, const char *text, void *opts,
		  struct err *e);

/* Who depends on a container was made later, so this ends. */
static int rm_depending(struct cli *c, struct home *h, const struct container *ct,
			struct rm_opts *o, struct err *e)
{
	struct strs ids = {0};
	int r = 0;

	depends_list(ct, &ids, &c->arena);
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct container other;
		if (container_open(h, ids.v[i], &other, NULL) == 0)
			r = rm_one(c, h, &other, ids.v[i], o, e);
		container_free(&other);
	}
	return r;
}

static int rm_one(struct cli *c, struct home *h, struct container *ct, const char *text, void *opts,
		  struct err *e)
{
	struct rm_opts *o = opts;
	int r = o->depend ? rm_depending(c, h, ct, o, e) : 0;

	if (r < 0)
		return r;
	if (o->dry)
		r = container_remove_check(h, ct, o->force, !o->depend, e);
	else
		r = o->volumes ? container_remove_with_volumes(h, ct, o->force, o->time, e)
			       : container_remove(h, ct, o->force, o->time, e);

	if (r == 0)
		out_printf(&c->out, "%s\n", text);
	else if (e->id == ERR_CONTAINER_RUNNING)
		e->exit = c->called == CALLED_DOCKER
				  ? 1
				  : 2; /* podman's and docker's codes for just this */
	return r;
}

static int rm_run(struct cli *c, void *opts, struct err *e)
{
	struct rm_opts *o = opts;
	const struct each x = {.all = o->all,
			       .which = &o->which,
			       .missing_exit = 1,
			       .ignore_missing = o->ignore || o->force,
			       .fn = rm_one};

	return each_container(c, &x, o, e);
}

static const struct rm_opts rm_defaults = {.time = -1};

const struct command cmd_rm = {
	.name = "rm",
	.aliases = "container rm,container remove",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Remove containers",
	.description = "Removes containers with their writable layers and logs. A running one is "
		       "refused without -f. Volumes stay; with -v those without a name go, if no "
		       "other container uses them.",
	.examples = "hoy rm job\nhoy rm -f web\n# Everything\nhoy rm -af",
	.opts = rm_rows,
	.opts_size = sizeof(struct rm_opts),
	.defaults = &rm_defaults,
	.complete = COMPLETE_CONTAINER,
	.run = rm_run,
};
