#include "base/base.h"
#include "cli/command.h"
#include "data/json.h"
#include "engine/root_mount.h"
#include "engine/list.h"

struct mount_opts {
	bool all, force, latest, no_trunc;
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct mount_opts, field)
static const struct opt mount_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Mount all containers"},
	{"format", 0, TO(OPT_CHOICE, format), "json", "Print the list as JSON", .words = "json"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container, which is not named"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL, "Show whole IDs", .aliases = "notruncate"},
	{0},
};

static const struct opt unmount_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Unmount all containers that are mounted here"},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "Unmount even while a program uses it"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container, which is not named"},
	{0},
};
#undef TO

/* The containers that are meant. *ret stays empty where nothing was said. */
static int choose(struct cli *c, const struct home *h, const struct mount_opts *o, struct strs *ret,
		  struct err *e)
{
	scoped(strv) ids = {0};
	const char *id;
	int r = 0;

	if ((o->all || o->latest) && (c->nargs || (o->all && o->latest))) {
		err_fail(e, ERR_USAGE, "--%s takes no names, and nothing beside it",
			 o->all ? "all" : "latest");
		return err_hint(e, "hoy %s CONTAINER...", c->cmd->name);
	}
	for (size_t i = 0; i < c->nargs; i++)
		strs_add(&c->arena, ret, c->args[i]);
	if (o->all)
		r = container_ids(h, &ids, e);
	for (size_t i = 0; i < ids.n; i++)
		strs_add(&c->arena, ret, arena_strdup(&c->arena, ids.v[i]));
	if (o->latest && r == 0) {
		r = container_newest(h, &c->arena, &id, e);
		if (r == 0)
			strs_add(&c->arena, ret, id);
	}
	return r;
}

static void print_list(struct cli *c, const struct mount_opts *o, const struct bind_list *l)
{
	const struct mounted_container *m = l->v;
	struct json *list = json_new(&c->arena, JSON_ARR);
	scoped(str) text = {0};

	for (size_t i = 0; i < l->n; i++) {
		struct json *j = json_new(&c->arena, JSON_OBJ);
		struct json *names = json_new(&c->arena, JSON_ARR);
		if (!o->format)
			out_printf(&c->out, "%.*s\t%s\n", o->no_trunc ? CONTAINER_ID_LEN : 12,
				   m[i].id, m[i].path);
		json_add(&c->arena, names, json_new_str(&c->arena, m[i].name));
		json_set_str(&c->arena, j, "id", m[i].id);
		json_set(&c->arena, j, "Names", names);
		json_set_str(&c->arena, j, "mountpoint", m[i].path);
		json_add(&c->arena, list, j);
	}
	if (!o->format)
		return;
	json_write(&text, list, 1);
	out_printf(&c->out, "%s\n", str_cstr(&text));
}

static int mount_run(struct cli *c, void *opts, struct err *e)
{
	const struct mount_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct bind_list l = {0};
	struct strs ids = {0};
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = choose(c, &h, o, &ids, e);
	if (r == 0 && !ids.n)
		r = container_mounts(&h, &c->arena, &l, e);
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct mounted_container *m = bind_append(&c->arena, &l, sizeof *m);
		r = container_mount(&h, ids.v[i], &c->arena, m, e);
	}
	if (r < 0)
		return r;
	if (l.n == 1 && ids.n && !o->all && !o->format)
		out_printf(&c->out, "%s\n", ((struct mounted_container *)l.v)->path);
	else
		print_list(c, o, &l);
	return 0;
}

const struct command cmd_mount = {
	.name = "mount",
	.aliases = "container mount",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Show containers as directories, inside of hoy unshare",
	.description =
		"Prints where the files of containers are; without CONTAINER it lists those that "
		"are mounted or run. It works inside of `hoy unshare` only, where files have the "
		"owners that the container sees, and only programs in there see it.\n\n"
		"A container that runs has its root already: what is printed leads to it, and can "
		"be written to. One that does not run is mounted read-only, because it could be "
		"started at any time, and two who write to the same files through two mounts "
		"destroy them: "
		"start it, or use hoy cp. What it writes when it is started is not sure to be seen "
		"in a mount from before; mount it again. The mounts go away with the last program "
		"of that "
		"unshare.\n\n"
		"Links in a container's files may lead out of them: go through them with care.",
	.examples = "hoy unshare sh -c 'ls -l $(hoy mount web)/etc'",
	.opts = mount_rows,
	.opts_size = sizeof(struct mount_opts),
	.run = mount_run,
	.complete = COMPLETE_CONTAINER,
};

static int unmount_run(struct cli *c, void *opts, struct err *e)
{
	const struct mount_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct strs ids = {0};
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = choose(c, &h, o, &ids, e);
	if (r == 0 && !ids.n && !o->all) {
		err_fail(e, ERR_USAGE, "no container is given");
		return err_hint(e, "hoy unmount CONTAINER..., or --all");
	}
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct err one = {0};
		if (container_unmount(&h, ids.v[i], o->force, &one) == 0)
			out_printf(&c->out, "%s\n", ids.v[i]);
		else if (!o->all || one.id != ERR_NOT_MOUNTED)
			cli_report(c, &one);
	}
	return r;
}

const struct command cmd_unmount = {
	.name = "unmount",
	.aliases = "umount,container unmount,container umount",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Unmount containers that were mounted inside of hoy unshare",
	.description = "Takes away what `hoy mount` has mounted, in the same `hoy unshare`.",
	.examples = "hoy unshare sh -c 'hoy mount web >/dev/null; hoy unmount -a'",
	.opts = unmount_rows,
	.opts_size = sizeof(struct mount_opts),
	.run = unmount_run,
	.complete = COMPLETE_CONTAINER,
};
