#include "base/base.h"
#include "cli/defaults.h"
#include "cli/limit_rows.h"
#include "cli/run_opts.h"
#include "engine/remove.h"
#include "engine/start.h"

struct clone_opts {
	struct limit_opts limits;
	const char *name;
	bool destroy, force, run;
};

#define TO(kind, field) OPT_TO(kind, struct clone_opts, field)
static const struct opt clone_rows[] = {
	{"destroy", 0, TO(OPT_BOOL, destroy), NULL, "Remove the other container when this is made"},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "With --destroy, also if it runs"},
	{"name", 0, TO(OPT_STR, name), "NAME", "Its name (default: the other's, and -clone)"},
	{"run", 0, TO(OPT_BOOL, run), NULL, "Start it"},
	{.kind = OPT_TABLE, .offset = offsetof(struct clone_opts, limits), .sub = limit_rows},
	{0},
};
#undef TO

/* Texts and lists of texts only: what is given takes the place of what was. */
static void set_limits(const struct limit_opts *from, struct limit_opts *to)
{
	const char *const *texts[] = {
		&from->memory,	   &from->memory_swap, &from->memory_reservation,
		&from->cpus,	   &from->cpu_shares,  &from->cpu_period,
		&from->cpu_quota,  &from->cpuset_cpus, &from->cpuset_mems,
		&from->pids_limit, &from->blkio_weight};
	const struct strs *lists[] = {&from->weight_device, &from->read_bps, &from->write_bps,
				      &from->read_iops, &from->write_iops};

	for (size_t i = 0; i < countof(texts); i++)
		if (*texts[i])
			*(const char **)((char *)to +
					 ((const char *)texts[i] - (const char *)from)) = *texts[i];
	for (size_t i = 0; i < countof(lists); i++)
		if (lists[i]->n)
			*(struct strs *)((char *)to +
					 ((const char *)lists[i] - (const char *)from)) = *lists[i];
}

/* The name that was asked for, or the first of NAME-clone, NAME-clone1 ... that is free. */
static const char *choose_name(const struct home *h, const char *given, const char *of,
			       struct arena *a)
{
	char id[CONTAINER_ID_LEN + 1];

	if (!str_is_empty(given))
		return given;
	for (unsigned i = 0;; i++) {
		const char *name =
			i ? arena_printf(a, "%s-clone%u", of, i) : arena_printf(a, "%s-clone", of);
		struct err ignored;
		if (container_resolve(h, name, id, &ignored) < 0)
			return name;
	}
}

/* The command line that made the other one, taken apart once more. */
static int read_command(struct cli *c, const struct container *ct, struct cli *again, struct err *e)
{
	const struct strs *v = &ct->config.create_command;
	char **argv = arena_alloc(&c->arena, (v->n + 1) * sizeof *argv);

	for (size_t i = 0; i < v->n; i++)
		argv[i] = arena_strdup(&c->arena, v->v[i]);
	int r = v->n ? cli_parse(again, (int)v->n, argv, e) : -EINVAL;
	if (r == 0)
		r = defaults_read(again, e);
	if (r == 0)
		r = defaults_apply(again, e);
	bool makes = r == 0 && again->cmd &&
		     (!strcmp(again->cmd->name, "run") || !strcmp(again->cmd->name, "create"));
	if (makes)
		return 0;
	err_fail(e, ERR_USAGE, "container %s does not say how it was made", ct->state.name);
	return err_hint(e, "hoy commit makes an image of it, and hoy create a container of that");
}

static int start_it(struct cli *c, const struct home *h, struct container *ct, struct err *e)
{
	const struct start_opts so = {.size = run_terminal_size()};
	int sock = -1;
	int r = container_start(h, ct, &so, &sock, e);

	if (r == 0)
		r = run_await(c, sock, ct->monitor, e);
	fd_close(&sock);
	return r;
}

static int make_clone(struct cli *c, const struct home *h, struct container *old,
		      const struct clone_opts *o, struct cli *again, struct err *e)
{
	struct container new = {.dir = -1};
	struct home same = {.fd = -1};
	struct run_opts *made = again->opts;
	int r = 0;

	made->name =
		choose_name(h, c->nargs > 1 ? c->args[1] : o->name, old->state.name, &c->arena);
	made->replace = made->dry = made->rmi = false;
	made->cidfile = made->more.pidfile = made->more.conmon_pidfile = NULL;
	set_limits(&o->limits, &made->limits);
	if (c->nargs > 2)
		again->args[0] = c->args[2];
	again->root = c->root;
	again->level = c->level;
	r = run_create(again, made, false, true, &same, &new, e);
	if (r == 0 && o->destroy)
		r = container_remove_with_volumes(h, old, o->force, -1, e);
	if (r == 0 && o->run)
		r = start_it(c, &same, &new, e);
	if (r == 0)
		out_printf(&c->out, "%s\n", new.id);
	container_free(&new);
	home_free(&same);
	return r;
}

static int clone_run(struct cli *c, void *opts, struct err *e)
{
	const struct clone_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct container old = {.dir = -1};
	struct cli again = {0};

	if (o->name && c->nargs > 1) {
		err_fail(e, ERR_USAGE, "two names are given: %s and %s", o->name, c->args[1]);
		return err_hint(e, "the name stands behind the container, or with --name");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = container_open(&h, c->args[0], &old, e);
	if (r == 0)
		r = container_load_config(&old, e);
	if (r == 0 && o->destroy && !o->force && container_is_up(old.status)) {
		err_fail(e, ERR_CONTAINER_RUNNING, "container %s runs: it is not removed",
			 old.state.name);
		r = err_hint(e, "stop it first, or: --destroy --force");
	}
	if (r == 0)
		r = read_command(c, &old, &again, e);
	if (r == 0)
		r = make_clone(c, &h, &old, o, &again, e);
	cli_free(&again);
	container_free(&old);
	return r;
}

const struct command cmd_container_clone = {
	.name = "container clone",
	.group = "Containers",
	.args = "CONTAINER [NAME [IMAGE]]",
	.summary = "Make a container as another one was made",
	.description =
		"Makes a new container by the command line that made the other one, with another "
		"name, and with another image or other limits where these are given. Nothing that "
		"the other one has written goes along (hoy commit does that), nor what hoy update "
		"has changed since. Volumes without a name are new, those with a name are the "
		"same; files that the command line names are read again.\n\n"
		"Prints the new container's ID.",
	.examples =
		"hoy container clone shell\n# With another limit, in the place of the other one\n"
		"hoy container clone --destroy --cpus 1 job",
	.opts = clone_rows,
	.opts_size = sizeof(struct clone_opts),
	.complete = COMPLETE_CONTAINER,
	.run = clone_run,
};
