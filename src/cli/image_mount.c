#include "base/base.h"
#include "cli/command.h"
#include "data/json.h"
#include "engine/image_mount.h"

struct mount_opts {
	bool all, force;
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct mount_opts, field)
static const struct opt mount_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Mount all images"},
	{"format", 0, TO(OPT_CHOICE, format), "json", "Print the list as JSON", .words = "json"},
	{0},
};

static const struct opt unmount_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Unmount all images that are mounted here"},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "Unmount even while a program uses it"},
	{0},
};
#undef TO

static const char *shown(const struct mounted_image *m)
{
	return m->names.n ? m->names.v[0] : digest_hex(m->id);
}

static void print_list(struct cli *c, const struct mount_opts *o, const struct bind_list *l)
{
	const struct mounted_image *m = l->v;
	struct json *list = json_new(&c->arena, JSON_ARR);
	scoped(str) text = {0};

	for (size_t i = 0; i < l->n && !o->format; i++)
		out_printf(&c->out, "%s\t%s\n", shown(&m[i]), m[i].path);
	if (!o->format)
		return;
	for (size_t i = 0; i < l->n; i++) {
		struct json *j = json_new(&c->arena, JSON_OBJ);
		json_set_str(&c->arena, j, "id", digest_hex(m[i].id));
		json_set(&c->arena, j, "Repositories", json_new_strs(&c->arena, &m[i].names));
		json_set_str(&c->arena, j, "mountpoint", m[i].path);
		json_add(&c->arena, list, j);
	}
	json_write(&text, list, 1);
	out_printf(&c->out, "%s\n", str_cstr(&text));
}

static int mount_all(struct cli *c, const struct home *h, const struct mount_opts *o,
		     struct bind_list *ret, struct err *e)
{
	scoped(image_list) all = {0};
	int r = o->all ? images_list(h, &all, e) : 0;
	size_t n = o->all ? all.n : c->nargs;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct mounted_image *m = bind_append(&c->arena, ret, sizeof *m);
		r = image_mount(h, o->all ? all.v[i].id : c->args[i], &c->arena, m, e);
	}
	return r;
}

static int mount_run(struct cli *c, void *opts, struct err *e)
{
	const struct mount_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct bind_list l = {0};
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = o->all || c->nargs ? mount_all(c, &h, o, &l, e)
				       : image_mounts(&h, &c->arena, &l, e);
	if (r < 0)
		return r;
	if (c->nargs == 1 && !o->all && !o->format)
		out_printf(&c->out, "%s\n", ((struct mounted_image *)l.v)->path);
	else
		print_list(c, o, &l);
	return 0;
}

const struct command cmd_image_mount = {
	.name = "image mount",
	.group = "Images",
	.args = "[IMAGE...]",
	.summary = "Mount images as directories, inside of hoy unshare",
	.description = "Mounts images read-only and prints where; without IMAGE it lists what is "
		       "mounted. A "
		       "user may mount only inside of `hoy unshare`, and only programs in there "
		       "see it. The "
		       "mounts go away with the last of them. An image that is mounted should not "
		       "be removed.",
	.examples = "hoy unshare sh -c 'ls -l $(hoy image mount alpine)'",
	.opts = mount_rows,
	.opts_size = sizeof(struct mount_opts),
	.run = mount_run,
	.complete = COMPLETE_IMAGE,
};

static int unmount_run(struct cli *c, void *opts, struct err *e)
{
	const struct mount_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct bind_list l = {0};
	int r;

	if (o->all == (c->nargs > 0)) {
		err_fail(e, ERR_USAGE, o->all ? "--all takes no images" : "no image is given");
		return err_hint(e, "hoy image unmount IMAGE..., or --all");
	}
	r = home_open(&h, c->root, e);
	if (r == 0 && o->all)
		r = image_mounts(&h, &c->arena, &l, e);
	for (size_t i = 0; r == 0 && i < (o->all ? l.n : c->nargs); i++) {
		struct err one = {0};
		const char *id, *text = o->all ? ((struct mounted_image *)l.v)[i].id : c->args[i];
		if (image_unmount(&h, text, o->force, &c->arena, &id, &one) < 0)
			cli_report(c, &one);
		else
			out_printf(&c->out, "%s\n", digest_hex(id));
	}
	return r;
}

const struct command cmd_image_unmount = {
	.name = "image unmount",
	.aliases = "image umount",
	.group = "Images",
	.args = "[IMAGE...]",
	.summary = "Unmount images that were mounted inside of hoy unshare",
	.description = "Takes away what `hoy image mount` has mounted, in the same `hoy unshare`.",
	.examples = "hoy unshare sh -c 'hoy image mount alpine; hoy image unmount alpine'",
	.opts = unmount_rows,
	.opts_size = sizeof(struct mount_opts),
	.run = unmount_run,
	.complete = COMPLETE_IMAGE,
};
