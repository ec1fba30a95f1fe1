#include "base/base.h"
#include "cli/command.h"
#include "engine/image.h"
#include "oci/platform.h"

struct rmi_opts {
	struct strs platform;
	bool all, force, ignore, no_prune;
};

#define TO(kind, field) OPT_TO(kind, struct rmi_opts, field)
static const struct opt rmi_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Remove all images"},
	{"force", 'f', TO(OPT_BOOL, force), NULL,
	 "Remove images with several names, and containers that use them (called docker: not "
	 "those)"},
	{"ignore", 'i', TO(OPT_BOOL, ignore), NULL, "An image that does not exist is no error"},
	{"no-prune", 0, TO(OPT_BOOL, no_prune), NULL,
	 "Keep images without a name that it was built upon"},
	{"platform", 0, TO(OPT_STRS, platform), "OS/ARCH[/VARIANT]",
	 "Remove only what is for this platform: a name here leads to one image, for one platform"},
	{0},
};
#undef TO

static void print_removed(struct cli *c, const struct image_removed *r)
{
	bool docker = c->called == CALLED_DOCKER;

	for (size_t i = 0; i < r->untagged.n; i++)
		out_printf(&c->out, "Untagged: %s\n",
			   docker ? ref_familiar(&c->arena, r->untagged.v[i]) : r->untagged.v[i]);
	for (size_t i = 0; i < r->deleted.n; i++)
		out_printf(&c->out, "Deleted: %s\n",
			   docker ? r->deleted.v[i] : digest_hex(r->deleted.v[i]));
}

/* Is the image for one of the platforms that were named? An error if not, as docker says it. */
static int check_platform(struct cli *c, const struct home *h, const struct rmi_opts *o,
			  const char *text, struct err *e)
{
	scoped(image) im = {0};
	struct platform_want w;
	int r = o->platform.n ? image_lookup(h, text, &im, e) : 1;

	for (size_t i = 0; i < o->platform.n && r == 0; i++) {
		r = platform_parse(&c->arena, o->platform.v[i], &w, e);
		if (r == 0 && platform_fits(&im.doc, &w))
			return 0;
	}
	if (r != 0)
		return r < 0 ? r : 0;
	err_fail_code(e, ERR_PLATFORM, ENOENT, "%s: the image here is for %s only", text,
		      platform_text(&c->arena, &im.doc));
	return err_hint(e, "leave --platform out to remove it");
}

static void remove_one(struct cli *c, const struct home *h, const struct rmi_opts *o,
		       const char *text)
{
	scoped(image_removed) done = {0};
	struct err one = {0};
	struct image_rm_opts rm = {.force = o->force,
				   .keep_parents = o->no_prune,
				   .docker = c->called == CALLED_DOCKER};

	int r = check_platform(c, h, o, text, &one);
	if (r == 0)
		r = image_rm(h, text, &rm, &done, &one);
	if (r == 0)
		print_removed(c, &done);
	else if (one.id != ERR_IMAGE_UNKNOWN || (!o->ignore && !o->force))
		cli_report(c, &one);
}

static int rmi_run(struct cli *c, void *opts, struct err *e)
{
	struct rmi_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(image_list) all = {0};

	if (o->all ? c->nargs > 0 : c->nargs == 0) {
		err_fail(e, ERR_USAGE, o->all ? "--all takes no images" : "no image is given");
		return err_hint(e, "hoy rmi IMAGE..., or hoy rmi --all");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0 && o->all)
		r = images_list(&h, &all, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->nargs; i++)
		remove_one(c, &h, o, c->args[i]);
	struct rmi_opts whole = *o;
	whole.force = true;
	for (size_t i = 0; i < all.n; i++) {
		scoped(strv) users = {0};
		/* --all takes every name of an image, but images in use only with --force. */
		if (!o->force && image_users(&h, all.v[i].id, &users, e) == 0 && users.n)
			remove_one(c, &h, o, all.v[i].id);
		else
			remove_one(c, &h, &whole, all.v[i].id);
	}
	return 0;
}

const struct command cmd_rmi = {
	.name = "rmi",
	.aliases = "image rm,image remove",
	.group = "Images",
	.args = "[IMAGE...]",
	.summary = "Remove images",
	.description = "Removes images. A name of an image that has other names too is only taken "
		       "away; with its last "
		       "name, or by its id, the image goes, and with it the layers that no other "
		       "image needs. It "
		       "works on a full disk.\n\n"
		       "An image that a container was made from stays, unless --force is given: "
		       "then it goes, and such containers with it. Called docker, --force removes "
		       "no container: if they do not run, the image goes and they keep what they "
		       "need of it; that of a running one only loses its name.\n\n"
		       "With an image go the images without a name that it was built upon, unless "
		       "others were, too.",
	.examples = "hoy rmi busybox\nhoy rmi -f 3f57d9401f8d\nhoy rmi --all",
	.exits = "1 an image does not exist\n2 an image is in use by a container",
	.opts = rmi_rows,
	.opts_size = sizeof(struct rmi_opts),
	.run = rmi_run,
	.complete = COMPLETE_IMAGE,
};
